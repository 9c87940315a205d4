import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonEnvironment } from '../../src/cli/daemon-environment.ts';

test('daemonEnvironment() leaves out whatever may be a secret of the client', () => {
  const kept = {
    PATH: '/bin',
    HOME: '/root',
    LC_ALL: 'C',
    TSSTACK_RUN_DIR: '/run/x',
    https_proxy: 'http://proxy:3128',
    NO_PROXY: 'localhost',
    XDG_RUNTIME_DIR: '/run/user/1',
  };
  const others = { PASSWORD: 'x', AWS_SECRET_ACCESS_KEY: 'x', NODE_OPTIONS: '--inspect', PATHS: 'x', MY_HOME: 'x' };
  assert.deepEqual(daemonEnvironment({ ...others, ...kept }), kept);
});
