import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute } from '../../src/executor/execute.ts';
import type { ContainerFile, ContainerSpec } from '../../src/model/container.ts';
import type { Step } from '../../src/model/plan.ts';
import { type FakeMachine, fakeMachine, PATHS } from '../helpers/fake-machine.ts';
import { containerStep, plan, record, spec } from '../helpers/steps.ts';

const ROOT = '/run/ts-secrets';
const DIRECTORY = `${PATHS.state}/stacks/demo/containers/web.1`;

function files(content = 'old'): readonly ContainerFile[] {
  const owned = { uid: 5, gid: 6, mode: 0o400 };
  return [
    { kind: 'config', source: 'app', target: '/app', content: `sha256:${content}`, ...owned },
    { kind: 'secret', source: 'token', target: '/run/secrets/token', content: `hmac-sha256:${content}`, ...owned },
  ];
}

async function walk(machine: FakeMachine, steps: readonly Step[], contents?: ReadonlyMap<string, string>) {
  const bytes = new Map([...(contents ?? [])].map(([hash, text]) => [hash, Buffer.from(text)]));
  const context = { ...machine.context, ...(contents !== undefined && { contents: bytes }) };
  const signal = new AbortController().signal;
  return await execute(plan(steps), context, {
    signal,
    concurrency: 1,
    onFailure: 'undo',
    progress: () => undefined,
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

const contentsOf = (content: string) =>
  new Map([
    [`sha256:${content}`, `${content} config`],
    [`hmac-sha256:${content}`, `${content} secret`],
  ]);

const creation = (web: ContainerSpec) => [
  containerStep('create-container', web),
  containerStep('start-container', web, 'create web'),
];

/** What was written of the files, as `path owner mode data`. */
function written({ host }: FakeMachine): readonly string[] {
  return host.performed.flatMap((op) => {
    if (op.op !== 'write-secret' && (op.op !== 'write-file' || op.owner === undefined)) return [];
    const { uid, gid } = op.owner ?? {};
    return [`${op.op} ${op.path} ${uid}:${gid} ${op.mode?.toString(8)} ${String(op.data)}`];
  });
}

test('a config is written beside its container and a secret below the tmpfs, once, before the start', async () => {
  const machine = fakeMachine();
  const web = spec('web', { files: files() });
  assert.equal(await walk(machine, creation(web), contentsOf('old')), undefined);
  assert.deepEqual(written(machine), [
    `write-file ${DIRECTORY}/configs/0 5:6 400 old config`,
    `write-secret ${ROOT}/demo.web.1/1 5:6 400 old secret`,
  ]);
  assert.doesNotMatch(JSON.stringify(machine.records.containers.all()), /old secret/);
  for (const [path, text] of machine.host.files) {
    if (!path.startsWith(ROOT)) assert.doesNotMatch(text, /old secret/, path);
  }
});

test("in a user namespace a file's owner is the container's id as the host has it", async () => {
  const machine = fakeMachine();
  const { namespaces } = spec('web');
  const web = spec('web', { files: files(), namespaces: { ...namespaces, user: 'private' } });
  await walk(machine, [containerStep('create-container', web)], contentsOf('old'));
  const [, owner = ''] = /configs\/0 (\d+):/.exec(written(machine).join('\n')) ?? [];
  assert.ok(Number(owner) >= 0x7000_0000 && Number(owner) % 0x10000 === 5, owner);

  const beyond = spec('web', {
    files: files().map((file) => ({ ...file, uid: 70_000 })),
    namespaces: { ...namespaces, user: 'private' },
  });
  const error = await walk(fakeMachine(), [containerStep('create-container', beyond)], contentsOf('old'));
  assert.match(String(error), /The config "app" cannot belong to 70000:6 in a user namespace/);
});

test('a start writes again what a reboot took, and without the contents says that it cannot', async () => {
  const machine = fakeMachine();
  const web = spec('web', { files: files() });
  await walk(machine, creation(web), contentsOf('old'));
  machine.host.performed.length = 0;

  assert.equal(await walk(machine, [containerStep('start-container', web)]), undefined);
  assert.deepEqual(written(machine), []);

  machine.host.files.delete(`${ROOT}/demo.web.1/1`);
  const error = await walk(machine, [containerStep('start-container', web)]);
  assert.match(String(error), /The secret "token" of service\.web\[1\] is not there any more/);
  assert.equal(await walk(machine, [containerStep('start-container', web)], contentsOf('old')), undefined);
  assert.deepEqual(written(machine), [`write-secret ${ROOT}/demo.web.1/1 5:6 400 old secret`]);
});

test('a removed container takes its files along; one that had no secret touches nothing there', async () => {
  const machine = fakeMachine();
  const web = spec('web', { files: files() });
  await walk(machine, creation(web), contentsOf('old'));
  await walk(machine, [containerStep('remove-container', web)]);
  assert.deepEqual(
    [...machine.host.files].filter(([, text]) => /old (secret|config)/.test(text)),
    [],
  );

  const plain = fakeMachine();
  await walk(plain, [containerStep('create-container', spec('web')), containerStep('remove-container', spec('web'))]);
  assert.ok(!plain.host.performed.some(({ op }) => op === 'remove-secrets'));
});

test('when a replacement fails, the old container comes back with what its files held', async () => {
  const machine = fakeMachine();
  const [before, after] = [spec('web', { files: files('old') }), spec('web', { files: files('new') })];
  await walk(machine, creation(before), contentsOf('old'));
  machine.records.containers.put(record(before));
  machine.host.performed.length = 0;
  machine.host.gate = (op) => {
    if (op.op === 'write-secret' && String(op.data) === 'new secret') throw new Error('no space left');
  };
  const steps = [containerStep('remove-container', before), containerStep('create-container', after, 'remove web')];
  assert.match(String(await walk(machine, steps, contentsOf('new'))), /no space left/);
  assert.equal(machine.host.files.get(`${ROOT}/demo.web.1/1`), 'old secret');
  assert.equal(machine.host.files.get(`${DIRECTORY}/configs/0`), 'old config');
});
