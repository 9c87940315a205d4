import assert from 'node:assert/strict';
import { join } from 'node:path';
import { binaryHandler } from '../../src/image/binfmt.ts';
import { assembleElf } from '../../src/runtime/launcher/elf.ts';
import { Program } from '../../src/runtime/launcher/program.ts';
import { e2e } from '../helpers/e2e.ts';
import { tarOf, writeLayout } from '../helpers/image-builder.ts';
import { readOnlyHost } from '../helpers/read-host.ts';

e2e('an image for another architecture is refused before anything is made, and the plan says why', async (project) => {
  const name = `${project.name}/foreign:1`;
  const layers = [await tarOf([{ name: 'bin/' }, { name: 'bin/app', text: 'x', mode: 0o755 }])];
  const image = { layers, tag: name, architecture: 'loong64', config: { Cmd: ['/bin/app'] } };
  try {
    await project.expect(0, 'image', 'load', writeLayout(join(project.scratch, 'layout'), [image]));
    project.write(`services: {app: {image: "${name}", platform: linux/loong64, pull_policy: never}}\n`);
    const message = /is for linux\/loong64; this machine is \w+ and has no binfmt handler for programs of loong64/;
    const plan = await project.tsstack(['plan']);
    assert.match(`${plan.stdout}${plan.stderr}`, message);
    const refused = await project.tsstack(['up', '-d']);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, message);
    assert.match(refused.stderr, /qemu-user-static/);
    assert.deepEqual(await project.ps(), []);
  } finally {
    await project.tsstack(['image', 'rm', '-f', name]);
  }
});

/** Writes a word and ends; for the other architecture that launchers are made for. */
function program(arch: 'x86_64' | 'aarch64'): Uint8Array {
  const made = new Program([0, 1, 2]);
  made.call('write', [1, 'emulated', 8], 'write a word');
  made.call('exit_group', [0], 'end', { executes: true });
  return assembleElf(arch, made.calls, 2);
}

const [architecture, arch] = process.arch === 'x64' ? (['arm64', 'aarch64'] as const) : (['amd64', 'x86_64'] as const);
const handler = binaryHandler(readOnlyHost(), { architecture });

e2e(
  'an image for another architecture runs where the kernel has a handler for it',
  async (project) => {
    const name = `${project.name}/foreign:1`;
    const layers = [await tarOf([{ name: 'app', text: Buffer.from(program(arch)), mode: 0o755 }])];
    const image = { layers, tag: name, architecture, config: { Cmd: ['/app'] } };
    try {
      await project.expect(0, 'image', 'load', writeLayout(join(project.scratch, 'layout'), [image]));
      project.write(`services: {app: {image: "${name}", platform: linux/${architecture}, pull_policy: never}}\n`);
      await project.expect(0, 'up', '-d');
      assert.equal((await project.exited('app')).exitCode, 0);
      assert.match(await project.logs('app'), /emulated/);
    } finally {
      await project.tsstack(['down', '-t', '0']);
      await project.tsstack(['image', 'rm', '-f', name]);
    }
  },
  { needs: handler?.preloaded === true ? [] : [`binfmt handler for ${architecture} with flag F`] },
);
