import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { run } from '../helpers/run.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { readonly from: string; readonly to: string; readonly rule: { name: string } }[];
  };
}

async function cruise(directory: string): Promise<Cruise> {
  const argv = [join(ROOT, 'node_modules/.bin/depcruise'), 'src', '--output-type', 'json'];
  const finished = await run(argv, { cwd: directory });
  assert.notEqual(finished.stdout, '', finished.stderr);
  return JSON.parse(finished.stdout) as Cruise;
}

function sourceFiles(): number {
  return readdirSync(join(ROOT, 'src'), { recursive: true }).filter((name) => String(name).endsWith('.ts')).length;
}

/** A directory under the same rules, in which files may be planted. */
async function withRules(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tsstack-layers-'));
  try {
    for (const name of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json']) {
      cpSync(join(ROOT, name), join(directory, name));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    await body(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('dependency-cruiser sees every source file and finds no violation', async () => {
  const { summary } = await cruise(ROOT);
  assert.ok(summary.totalCruised >= sourceFiles(), `${summary.totalCruised} modules seen, ${sourceFiles()} files`);
  assert.deepEqual(summary.violations, []);
});

test('dependency-cruiser finds planted violations of each kind', async () => {
  await withRules(async (directory) => {
    const planted: Readonly<Record<string, string>> = {
      'src/planner/planted-fs.ts': "import { rmSync } from 'node:fs';\nexport const planted = rmSync;\n",
      'src/planner/planted-host.ts': "import { planted } from '../host/planted.ts';\nexport const again = planted;\n",
      'src/host/planted.ts': 'export const planted = 1;\n',
      'src/executor/planted.ts': 'export const planted = 1;\n',
      'src/cli/planted.ts': "import { planted } from '../executor/planted.ts';\nexport const again = planted;\n",
      'src/cgroup/planted.ts': "import type { Planted } from '../network/planted.ts';\nexport type Again = Planted;\n",
      'src/network/planted.ts': 'export type Planted = string;\n',
      'src/volume/planted.ts': "import { spawn } from 'node:child_process';\nexport const planted = spawn;\n",
      'src/lib/planted-a.ts': "import { b } from './planted-b.ts';\nexport const a = (): unknown => b;\n",
      'src/lib/planted-b.ts': "import { a } from './planted-a.ts';\nexport const b = (): unknown => a;\n",
    };
    for (const [path, text] of Object.entries(planted)) {
      mkdirSync(join(directory, path, '..'), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    const { summary } = await cruise(directory);
    const found = new Set(summary.violations.map(({ from, rule }) => `${from} ${rule.name}`));
    for (const expected of [
      'src/planner/planted-fs.ts only-host-acts',
      'src/planner/planted-fs.ts planner-and-model-are-pure',
      'src/planner/planted-host.ts planner-imports',
      'src/cli/planted.ts cli-is-thin',
      'src/cgroup/planted.ts cgroup-imports',
      'src/volume/planted.ts only-host-acts',
      'src/lib/planted-a.ts no-circular',
    ]) {
      assert.ok(found.has(expected), `${expected} is missing in:\n${[...found].join('\n')}`);
    }
  });
});
