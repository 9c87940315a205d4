import assert from 'node:assert/strict';
import { e2e, type Project } from '../helpers/e2e.ts';

/** `up` that must fail; gives what it said. */
async function failedUp(project: Project): Promise<string> {
  const { status, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 1, stderr);
  assert.deepEqual(await project.ps(), [], 'what up had made is undone');
  return stderr;
}

e2e('depends_on: a job that fails is named with its status and its last lines', async (project) => {
  project.write(`services:
  job:
    command: [sh, -c, 'seq 1 30; printf "\\033[2Jno such table\\n"; exit 4']
  web:
    command: [sleep, infinity]
    depends_on: {job: {condition: service_completed_successfully}}
`);
  const said = await failedUp(project);
  assert.match(said, /service\.job\[1\] ended with status 4\n {2}last lines of job:\n {4}22\n/);
  assert.match(said, /\n {4}30\n {4}no such table\n/);
  assert.doesNotMatch(said, /\n +21\n/, 'ten lines and no more');
});

e2e('depends_on: an unhealthy service fails its dependents at once, with what its check said', async (project) => {
  project.write(`services:
  db:
    command: [sh, -c, 'echo recovering; exec sleep infinity']
    healthcheck: {test: [CMD-SHELL, 'echo connection refused; exit 7'], interval: 50ms, retries: 1}
  web:
    command: [sleep, infinity]
    depends_on: {db: {condition: service_healthy}}
`);
  const said = await failedUp(project);
  assert.match(said, /service\.db\[1\] is unhealthy: its check ended with status 7/);
  assert.match(said, /last health check \(ended with status 7\):\n {4}connection refused\n/);
  assert.match(said, /last lines of db:\n {4}recovering\n/);
});

e2e('depends_on: a restart that is to come is waited for, used up attempts are not', async (project) => {
  const stack = (attempts: number): string => `services:
  db:
    command: [sh, -c, 'echo x >> /state/tries; [ $$(wc -l < /state/tries) -ge 3 ] || exit 5; exec sleep infinity']
    restart: on-failure:${attempts}
    volumes: ['state:/state']
    healthcheck: {test: [CMD-SHELL, '[ $$(wc -l < /state/tries) -ge 3 ]'], interval: 50ms, start_period: 1m}
  web:
    command: [sleep, infinity]
    depends_on: {db: {condition: service_healthy}}
volumes: {state: {}}
`;
  project.write(stack(1));
  assert.match(await failedUp(project), /service\.db\[1\] ended with status 5 after 1 restart before it was healthy/);
  await project.expect(0, 'down', '-v');
  project.write(stack(5));
  await project.expect(0, 'up', '-d');
  assert.equal((await project.container('web')).status, 'running');
  assert.equal((await project.container('db')).restarts, 2);
});

e2e('depends_on: with required: false a dependency that fails is a warning', async (project) => {
  project.write(`services:
  job: {command: [sh, -c, 'exit 4']}
  web:
    command: [sleep, infinity]
    depends_on: {job: {condition: service_completed_successfully, required: false}}
`);
  const { status, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /service\.web\[1\] is started without job: service\.job\[1\] ended with status 4/);
  assert.equal((await project.container('web')).status, 'running');
});

e2e('depends_on: services say what they wait for, also those that wait for a waiting one', async (project) => {
  project.write(`services:
  db:
    command: [sh, -c, 'exec sleep infinity']
    healthcheck: {test: [CMD, 'true'], interval: 1s}
  api:
    command: [sleep, infinity]
    depends_on: {db: {condition: service_healthy}}
  web:
    command: [sleep, infinity]
    depends_on: [api]
`);
  const { status, stderr } = await project.tsstack(['up', '-d']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /service\.api\[1\] waits for db to be healthy/);
  assert.match(stderr, /service\.web\[1\] waits for api to start/);
  await project.expect(0, 'down');
  const json = await project.tsstack(['up', '-d', '--format', 'json']);
  const events = json.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as object]));
  assert.deepEqual(
    events.filter((event) => 'for' in event),
    [
      { type: 'step-waiting', step: 'start service.api[1]', for: 'db to be healthy' },
      { type: 'step-waiting', step: 'start service.web[1]', for: 'api to start' },
    ],
  );
});

e2e('depends_on: restart: true starts a dependent anew when the dependency is replaced', async (project) => {
  const stack = (word: string): string => `services:
  db: {command: [sleep, infinity], environment: {WORD: ${word}}}
  web: {command: [sleep, infinity], depends_on: {db: {condition: service_started, restart: true}}}
  other: {command: [sleep, infinity], depends_on: [db]}
`;
  project.write(stack('a'));
  await project.expect(0, 'up', '-d');
  const pids = async () => Object.fromEntries((await project.ps()).map(({ service, pid }) => [service, pid]));
  const before = await pids();
  project.write(stack('b'));
  await project.expect(0, 'up', '-d');
  const after = await pids();
  assert.notEqual(after['db'], before['db']);
  assert.notEqual(after['web'], before['web']);
  assert.equal(after['other'], before['other']);
});
