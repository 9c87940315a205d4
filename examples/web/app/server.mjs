/**
 * Notes: `POST /notes` keeps one in PostgreSQL, `GET /notes` lists them, `GET /` counts visits in redis.
 * The clients are the packages' own (`psql`, `redis-cli`), so that the example needs no npm package.
 */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A note goes in as a psql variable: `:'body'` quotes it. */
async function sql(query, body = '') {
  const child = run('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-v', `body=${body}`], {
    timeout: 10_000,
  });
  child.child.stdin.end(query);
  return (await child).stdout.trim();
}

async function redis(...command) {
  const { stdout } = await run('redis-cli', ['-h', process.env.REDIS_HOST ?? 'redis', '-e', ...command], {
    timeout: 10_000,
  });
  return stdout.trim();
}

const routes = {
  'GET /health': async () => ({ status: 'ok' }),
  'GET /': async () => ({
    hello: 'from nginx, node, redis and postgresql',
    visits: Number(await redis('INCR', 'visits')),
  }),
  'GET /notes': async () => JSON.parse(await sql("select coalesce(json_agg(body order by id), '[]') from notes")),
  'POST /notes': async (request) => {
    const id = await sql("insert into notes (body) values (:'body') returning id", await text(request));
    return { id: Number(id) };
  },
};

async function answer(request, response) {
  const route = routes[`${request.method} ${request.url}`];
  try {
    const [status, body] = route
      ? [200, await route(request)]
      : [404, { error: `no ${request.method} ${request.url}` }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  } catch (error) {
    console.error(error);
    response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"see the log"}\n');
  }
}

createServer(answer).listen(3000, () => console.log('listening on 3000'));
