import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { killDaemon } from '../helpers/daemon.ts';
import { e2e, freePort, http, type Project } from '../helpers/e2e.ts';
import { addressOf, measure, stackOf } from '../helpers/measure.ts';
import { until } from '../helpers/run.ts';

const NETEM = spawnSync('unshare', ['--net', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem']).status === 0;

const pushed = async (project: Project) => (await measure<{ bits: number }>(project, 'push')).bits;
const pulled = async (project: Project) => (await measure<{ bits: number }>(project, 'pull', '1000')).bits;

e2e('a rate of the file bounds what arrives, is changed under the process, mended, and taken away', async (project) => {
  project.write(stackOf('x-shape: { rate: 8mbit, outbound: { rate: 3mbit } }'));
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'plan', '--check');
  assert.match(await project.expect(0, 'ps'), /web.*shaped/);
  const [inbound, outbound] = [await pushed(project), await pulled(project)];
  assert.ok(inbound > 2e6 && inbound < 9.5e6, `inbound ${inbound}`);
  assert.ok(outbound > 0.8e6 && outbound < 3.8e6, `outbound ${outbound}`);
  const { pid } = await project.container('web');

  project.write(stackOf('networks: { default: { x-shape: { inbound: { rate: 2mbit } } } }'));
  assert.match(
    await project.expect(3, 'plan', '--check'),
    /networks\.default\.shape +"out: 3mbit; in: 8mbit" → "in: 2mbit"/,
  );
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'plan', '--check');
  const [slower, free] = [await pushed(project), await pulled(project)];
  assert.ok(slower < 2.6e6, `inbound ${slower}`);
  assert.ok(free > 8e6, `outbound ${free}`);

  const link = /"command": "ip link show dev (ts-web1-\w+)"/.exec(await project.expect(0, 'inspect', 'web'))?.[1] ?? '';
  assert.equal(spawnSync('tc', ['qdisc', 'del', 'dev', link, 'root']).status, 0);
  assert.match(await project.expect(3, 'plan', '--check'), /drift: ts-web1-\w+ is not shaped inbound: 2mbit/);
  await project.expect(0, 'up', '-d');
  assert.ok((await pushed(project)) < 2.6e6);

  project.write(stackOf());
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'plan', '--check');
  assert.ok((await pushed(project)) > 12e6);
  assert.doesNotMatch(await project.expect(0, 'ps'), /shaped/);
  assert.equal((await project.container('web')).pid, pid);
});

e2e('what is shaped by hand holds as long as the container, and is no change of the plan', async (project) => {
  project.write(stackOf('x-shape: { rate: 9mbit }'));
  await project.expect(0, 'up', '-d');
  await project.expect(0, 'net', 'shape', 'web', '--rate', '2mbit', '--inbound');
  const isSlow = async () => assert.ok((await pushed(project)) < 2.6e6);
  await isSlow();
  assert.match(await project.expect(0, 'net'), /web-1 +default +out: 9mbit; in: 2mbit, by hand/);
  assert.match(await project.expect(0, 'plan', '--check'), /shaped \(default: out: 9mbit; in: 2mbit\) by hand/);
  await project.expect(0, 'restart', '-t', '0', 'web');
  await killDaemon(project);
  await project.expect(0, 'up', '-d');
  await isSlow();

  await project.expect(0, 'net', 'heal', 'web');
  const back = await pushed(project);
  assert.ok(back > 3e6 && back < 10.5e6, `healed ${back}`);
  await project.expect(0, 'net', 'shape', 'web', '--off');
  assert.ok((await pushed(project)) > 12e6);
  await project.expect(0, 'up', '-d', '--force-recreate', 'web');
  assert.ok((await pushed(project)) < 10.5e6, 'a new container is as the file says');

  for (const [words, said] of [
    [['shape', 'web', '--rate', 'fast'], /rate cannot be "fast"/],
    [['shape', 'wep', '--rate', '1mbit'], /Did you mean "web"/],
    [['shape', 'web', '--network', 'other', '--rate', '1mbit'], /network "other"/],
    [['shape', 'web'], /needs one of --rate/],
    [['cut'], /one or two/],
  ] as const) {
    const { status, stderr } = await project.tsstack(['net', ...words]);
    assert.notEqual(status, 0);
    assert.match(stderr, said);
  }
});

e2e('what is cut loses every packet, of an open connection too, until it is healed', async (project) => {
  const port = await freePort();
  project.write(
    stackOf(
      `ports: ['${port}:7002']`,
      "[/node, /meter.mjs, hold, web, '7000']",
      '  other: {command: [sleep, infinity]}\n',
    ),
  );
  await project.expect(0, 'up', '-d');
  const answers = async () => (await project.logs('db')).split('answered').length;
  const goesOn = async () => {
    const before = await answers();
    // What was cut for long is sent again only after as long (RFC 6298, 5.5).
    await until('answers', async () => (await answers()) > before + 5, 150_000);
  };
  /** Nothing is answered in the time of many answers; what was on its way has arrived before. */
  const rests = async () => {
    const before = await until('silence', async () => {
      const [one, two] = [await answers(), await silentFor(project).then(answers)];
      return one === two && two;
    });
    assert.equal(await silentFor(project).then(answers), before);
  };
  await goesOn();
  await project.expect(0, 'net', 'cut', 'web', 'db');
  await rests();
  assert.match(await project.expect(0, 'ps'), /web.*cut off/);
  assert.match(await project.expect(0, 'plan', '--check'), /web-1" is cut off by hand/);
  // Nor by the host's own port.
  const gateway = (await addressOf(project, 'web')).replace(/\.\d+$/, '.1');
  const byPort = await project.tsstack(['exec', 'db', 'busybox', 'nc', '-w', '1', gateway, String(port)]);
  assert.notEqual(byPort.status, 0, 'a published port leads round the cut');
  assert.equal(
    spawnSync('busybox', ['nc', '-w', '1', '127.0.0.1', String(port)], { input: 'x' }).stdout.toString(),
    'x',
  );
  await killDaemon(project);
  await project.expect(0, 'up', '-d');
  await rests();
  await project.expect(0, 'net', 'heal', 'web', 'db');
  await goesOn();

  await project.expect(0, 'net', 'cut', 'db');
  await rests();
  assert.match(await project.expect(0, 'net'), /db-1 .*everything/);
  assert.equal(spawnSync('nft', ['delete', 'table', 'bridge', 'tsstack_cut']).status, 0);
  assert.match(await project.expect(3, 'plan', '--check'), /drift: it is not cut off/);
  await project.expect(0, 'up', '-d');
  await rests();
  await project.expect(0, 'net', 'heal');
  await goesOn();
  assert.doesNotMatch(spawnSync('nft', ['list', 'tables']).stdout.toString(), /cut/);
  assert.doesNotMatch(await project.logs('db'), /lost/);

  await project.expect(0, 'net', 'cut', 'web', 'db');
  await project.expect(0, 'up', '-d', '--force-recreate', '--no-deps', 'web');
  assert.doesNotMatch(await project.expect(0, 'net'), /web-1 .*db-1|db-1 .*web-1/);
  // The connection was to the one that is gone: who holds it ends when it sends again what was lost.
  await until('the end of the connection', async () => (await project.container('db')).status === 'exited');
  await project.expect(0, 'up', '-d');
  await goesOn();
});

/** Longer than twenty answers take. */
async function silentFor(project: Project): Promise<void> {
  await project.expect(0, 'exec', 'other', 'sleep', '1');
}

if (!NETEM) {
  e2e('a kernel without netem says so, nothing is left, and a rate can be had', async (project) => {
    project.write(stackOf('x-shape: { delay: 60ms }'));
    const { status, stderr } = await project.tsstack(['up', '-d']);
    assert.equal(status, 1);
    assert.match(stderr, /The kernel has no queueing discipline "netem"/);
    assert.deepEqual(await project.ps(), []);
    assert.match((await project.tsstack(['doctor'])).stdout, /network emulator .*x-shape has a rate only/);
    project.write(stackOf('x-shape: { rate: 3mbit }'));
    await project.expect(0, 'up', '-d');
    const failed = await project.tsstack(['net', 'shape', 'web', '--loss', '1%']);
    assert.match(failed.stderr, /no queueing discipline "netem"/);
    assert.ok((await pushed(project)) < 3.8e6, 'as it was');
    await project.expect(0, 'plan', '--check');
  });
}

e2e(
  'examples/slow brings a file as slowly as its link is',
  async (project) => {
    project.useExample('slow');
    const port = await freePort();
    project.env['SLOW_PORT'] = String(port);
    await project.expect(0, 'up', '-d', '--wait');
    const begun = performance.now();
    assert.equal((await http(`http://127.0.0.1:${port}/file`)).length, 500_000);
    assert.ok(performance.now() - begun > 1500, 'four million bits by two million a second');
    await project.expect(0, 'net', 'cut', 'web');
    await assert.rejects(fetch(`http://127.0.0.1:${port}/file`, { signal: AbortSignal.timeout(1000) }));
    await project.expect(0, 'net', 'heal');
    await http(`http://127.0.0.1:${port}/file`);
  },
  { needs: ['busybox'] },
);
