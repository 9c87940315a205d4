import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostOp } from '../../src/host/op.ts';
import { DEFAULT_PROFILE, LOADED_PROFILES } from '../../src/model/apparmor.ts';
import type { Security } from '../../src/model/limits.ts';
import { removeDefaultProfile, withDefaultProfile } from '../../src/runtime/apparmor-profile.ts';
import { containerLabels } from '../../src/runtime/labels.ts';
import { FACTS, SECURITY } from '../helpers/launch-config.ts';

const WITH = { ...FACTS, labels: { appArmor: { file: '/proc/self/attr/apparmor/exec' } } };

/** A machine on which operations fail with this, or are done. */
function machine({ mounted = true, failure }: { mounted?: boolean; failure?: string } = {}) {
  const done: HostOp[] = [];
  const host = {
    readText: (path: string) => (mounted && path === LOADED_PROFILES ? '' : undefined),
    perform: async (ops: readonly HostOp[]) => {
      if (failure !== undefined) throw new Error(failure);
      done.push(...ops);
    },
  };
  return { host, done };
}

test('the profile is loaded where AppArmor can be told of it, and taken away by its name', async () => {
  const { host, done } = machine();
  const kernel = await withDefaultProfile(host, WITH, assert.fail);
  assert.equal(kernel.labels.appArmor?.profile, DEFAULT_PROFILE);
  await removeDefaultProfile(host, kernel, assert.fail);
  assert.deepEqual(
    done.map((op) => (op.op === 'run' ? op.argv[0] : op.op === 'write-in-place' && `${op.path} ${op.data}`)),
    ['apparmor_parser', '/sys/kernel/security/apparmor/.remove tsstack-default'],
  );
});

test('a machine without AppArmor, securityfs or its parser does without, and the last is told', async () => {
  for (const [facts, { host, done }] of [
    [FACTS, machine()],
    [WITH, machine({ mounted: false })],
  ] as const) {
    assert.equal(await withDefaultProfile(host, facts, assert.fail), facts);
    await removeDefaultProfile(host, facts, assert.fail);
    assert.deepEqual(done, []);
  }
  const told: string[] = [];
  const { host } = machine({ failure: 'apparmor_parser: not found' });
  assert.equal(await withDefaultProfile(host, WITH, (message) => told.push(message)), WITH);
  assert.deepEqual(told, ['Containers have no AppArmor profile: apparmor_parser: not found']);
});

test('containers have it unless they are privileged or ask for another one or none', async () => {
  const kernel = await withDefaultProfile(machine().host, WITH, assert.fail);
  const names = (security: Partial<Security>) =>
    containerLabels({ security: { ...SECURITY, ...security } }, kernel).map(({ name }) => name);
  assert.deepEqual(names({}), [DEFAULT_PROFILE]);
  assert.deepEqual(names({ privileged: true }), []);
  assert.deepEqual(names({ appArmor: 'other' }), ['other']);
  assert.deepEqual(names({ appArmor: 'other', privileged: true }), ['other']);
  assert.deepEqual(names({ appArmor: 'unconfined' }), ['unconfined']);
});
