/**
 * What the isolation of a container costs at its start: the launch alone, without client and daemon, from the launch script
 * to the program. Kinds take turns, so that what else the machine does hits them alike; medians, and each as a ratio to that
 * with everything. As root: `node scripts/bench/isolation.ts [--runs 60]`.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Security } from '../../src/model/limits.ts';
import type { LaunchConfig } from '../../src/runtime/config.ts';
import { buildLaunch } from '../../src/runtime/launch.ts';
import { missingForKernelTests, Sandbox } from '../../test/helpers/kernel-container.ts';
import { SECURITY } from '../../test/helpers/launch-config.ts';
import { median } from './timing.ts';

const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '60' } } });
const KINDS: Readonly<Record<string, Partial<Security>>> = {
  everything: {},
  'and no new privileges, no capabilities': { noNewPrivileges: true, capDrop: ['ALL'] },
  'without a filter': { seccomp: 'unconfined' },
  'without masks': { systemPaths: 'unconfined' },
  'with all capabilities': { capAdd: ['ALL'] },
  'with nothing of that': { seccomp: 'unconfined', systemPaths: 'unconfined', capAdd: ['ALL'] },
};

const missing = missingForKernelTests();
if (missing !== undefined) throw new Error(`This needs ${missing}`);
const sandbox = new Sandbox();
try {
  const configs = Object.fromEntries(Object.entries(KINDS).map(([kind, security]) => [kind, config(security)]));
  const starts = new Map(Object.keys(KINDS).map((kind) => [kind, [] as number[]]));
  const builds = new Map(Object.keys(KINDS).map((kind) => [kind, [] as number[]]));
  for (let round = -3; round < Number(options.runs); round += 1) {
    for (const [kind, each] of Object.entries(configs)) {
      rmSync(each.paths.exit, { force: true });
      const began = performance.now();
      buildLaunch(each);
      const built = performance.now();
      const container = await sandbox.start(each);
      const started = performance.now();
      await sandbox.exit(container);
      if (round < 0) continue;
      builds.get(kind)?.push(built - began);
      // Sandbox.start() builds once more.
      starts.get(kind)?.push(started - built - (built - began));
    }
  }
  const whole = median(starts.get('everything') ?? []);
  for (const kind of Object.keys(KINDS)) {
    const took = median(starts.get(kind) ?? []);
    const built = median(builds.get(kind) ?? []);
    const difference = (whole - took).toFixed(2);
    console.log(
      `${kind.padEnd(40)} start ${took.toFixed(2)} ms, ${(took / whole).toFixed(3)} of everything (${difference} ms less), built in ${built.toFixed(2)} ms`,
    );
  }
} finally {
  await sandbox.remove();
}

function config(security: Partial<Security>): LaunchConfig {
  return sandbox.config({ argv: ['true'], security: { ...SECURITY, ...security } });
}
