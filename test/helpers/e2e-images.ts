import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Project } from './e2e.ts';
import { tarOf, writeLayout } from './image-builder.ts';

const APPLETS = 'cat cp date echo env false grep id ls mkdir rm sh sleep test touch true wc'.split(' ');
const STATE = process.env['TSSTACK_STATE_DIR'] ?? '/var/lib/tsstack';
const STEPS = `${STATE}/images/build-cache/steps`;

interface Listed {
  readonly id: string;
  readonly names: readonly string[];
}

/**
 * Runs `body` with the name of an image with busybox that no other test builds over, so that no step of an earlier one is
 * in the cache. Afterwards the stack is taken down, what was built or loaded is removed with the steps that were kept, and
 * the images of the machine are as they were.
 */
export async function withBase(project: Project, body: (base: string) => Promise<void>): Promise<void> {
  const base = `${project.name}/base:1`;
  const before = await images(project);
  const steps = new Set(keptSteps());
  await loadBase(project, base);
  try {
    await body(base);
  } finally {
    await project.tsstack(['down', '-v', '-t', '0']);
    for (const step of keptSteps()) if (!steps.has(step)) rmSync(join(STEPS, step), { force: true });
    const made = (await images(project)).filter(({ id }) => !before.some((each) => each.id === id));
    if (made.length > 0) await project.tsstack(['image', 'rm', '-f', ...made.map(({ id }) => id)]);
  }
  assert.deepEqual(await images(project), before, 'the images of the machine');
}

/** Images of the machine by their ids. */
export async function images(project: Project): Promise<readonly Listed[]> {
  const listed: readonly Listed[] = JSON.parse(await project.expect(0, 'image', 'ls', '--json'));
  return listed
    .map(({ id, names }) => ({ id, names: [...names].sort() }))
    .sort((left, right) => (left.id < right.id ? -1 : 1));
}

/** The id of the image of this name; undefined where there is none. */
export async function imageId(project: Project, name: string): Promise<string | undefined> {
  return (await images(project)).find(({ names }) => names.includes(name))?.id;
}

function keptSteps(): readonly string[] {
  return existsSync(STEPS) ? readdirSync(STEPS) : [];
}

async function loadBase(project: Project, name: string): Promise<void> {
  const layer = await tarOf([
    { name: 'bin/' },
    { name: 'bin/busybox', text: readFileSync('/bin/busybox'), mode: 0o755 },
    ...APPLETS.map((applet) => ({ name: `bin/${applet}`, type: 'symlink' as const, linkname: 'busybox' })),
    { name: 'etc/' },
    { name: 'etc/unique', text: randomUUID() },
    { name: 'tmp/', mode: 0o1777 },
  ]);
  const config = { Env: ['PATH=/bin'], Cmd: ['/bin/sleep', 'infinity'] };
  const layout = writeLayout(join(project.scratch, 'base'), [{ layers: [layer], config, tag: name }]);
  await project.expect(0, 'image', 'load', layout);
  rmSync(layout, { recursive: true });
}
