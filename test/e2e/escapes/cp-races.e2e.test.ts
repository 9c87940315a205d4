import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { withContainerRoot } from '../../../src/cli/cp/container-root.ts';
import { copyFiles } from '../../../src/copy/copy.ts';
import type { CopyAnswer, CopyContainer, CopyRequest } from '../../../src/daemon/run-api.ts';
import { TsstackError } from '../../../src/model/error.ts';
import { open } from '../../daemon/ask.ts';
import { PERL, writeAttack } from '../../helpers/attack.ts';
import { e2e, type Project } from '../../helpers/e2e.ts';
import { until } from '../../helpers/run.ts';

const RUN = process.env['TSSTACK_RUN_DIR'] ?? '/run/tsstack';
/** The guarantee is 500 copies each way. A command is a process of Node, so most are made by what a command does. */
const COPIES = 500;
const COMMANDS = 10;
const OF_HOST = 'of the host\n';

e2e(
  'a container that exchanges a directory and a link all the time leads none of 500 copies each way out (CVE-2018-15664)',
  async (project) => {
    const beyond = join(project.scratch, 'beyond');
    for (const name of ['beyond', 'tree', 'volume', 'volume/d', 'out']) mkdirSync(join(project.scratch, name));
    writeFileSync(join(beyond, 'file'), OF_HOST, { mode: 0o600 });
    project.write('of the caller\n', 'tree/copied');
    project.write('inside\n', 'volume/d/file');
    writeAttack(project, 'swap.pl');
    project.write(`services:
  web:
    command: [sh, -c, 'ln -s ${beyond} /data/l && exec ${PERL} /swap.pl /data/d:/data/l']
    network_mode: none
    stop_grace_period: 0s
    volumes: ['./volume:/data', './swap.pl:/swap.pl:ro']
`);
    await project.expect(0, 'up', '-d');
    await until('links to be swapped', async () => /^swapping$/m.test(await project.logs('web')));

    const copied: string[] = [];
    const look = (path: string) => {
      for (const file of [path, join(path, 'file')]) if (isFile(file)) copied.push(readFileSync(file, 'utf8'));
    };
    for (let round = 0; round < COMMANDS; round += 1) {
      const out = join(project.scratch, `out/command-${round}`);
      const commands = [
        ['cp', 'web:/data/d/file', out],
        ['cp', 'tree/.', 'web:/data/d'],
      ];
      for (const { status } of await Promise.all(commands.map((args) => project.tsstack(args)))) {
        assert.ok(status === 0 || status === 1);
      }
      look(out);
    }

    const done = await copyBothWays(project, look);
    for (const [way, count] of Object.entries(done)) {
      assert.ok(count > 0 && count < COPIES, `${count} of ${COPIES} copies ${way} found the directory: not raced`);
    }
    assert.doesNotMatch(copied.join(), /of the host/);
    assert.ok(copied.includes('inside\n'));
    assert.deepEqual(readdirSync(beyond), ['file']);
    assert.equal(readFileSync(join(beyond, 'file'), 'utf8'), OF_HOST);
    const { uid, mode } = statSync(join(beyond, 'file'));
    assert.deepEqual([uid, mode & 0o777], [0, 0o600]);
  },
  { needs: [PERL] },
);

/** How many copies each way found the directory; `look` is given where each one went that came out. */
async function copyBothWays(
  project: Project,
  look: (path: string) => void,
): Promise<Readonly<Record<'out' | 'in', number>>> {
  const request: CopyRequest = { selector: { stack: project.name }, service: 'web', all: false, first: true };
  const answer = await open(`${RUN}/daemon.sock`, { path: '/v1/copy', body: request });
  const [line = ''] = await answer.setEncoding('utf8').take(1).toArray();
  const said = JSON.parse(String(line)) as CopyAnswer;
  assert.ok('containers' in said, String(line));
  const [container] = said.containers;
  assert.ok(container);
  const root = openSync('/', 'r');
  const done = { out: 0, in: 0 };
  try {
    for (let round = 0; round < COPIES; round += 1) {
      const out = join(project.scratch, `out/${round}`);
      // A file behind the name that is exchanged, or the directory itself.
      const from = round % 2 === 0 ? '/data/d/file' : '/data/d/.';
      if (await attempt(container, { out: { root, from, to: out } })) done.out += 1;
      look(out);
      const tree = join(project.scratch, 'tree/.');
      if (await attempt(container, { in: { root, from: tree, to: '/data/d' } })) done.in += 1;
    }
  } finally {
    closeSync(root);
    answer.destroy();
  }
  return done;
}

interface Way {
  /** Of this machine. */
  readonly root: number;
  readonly from: string;
  readonly to: string;
}

/** Whether it was copied; what leads nowhere in the container is an error that is told. */
async function attempt(container: CopyContainer, way: { readonly out: Way } | { readonly in: Way }): Promise<boolean> {
  const options = { keepOwners: false, followLink: false, notice: () => undefined };
  const { idBase } = container;
  try {
    await withContainerRoot(RUN, container, async (root) => {
      if ('out' in way) {
        const { root: ours, from, to } = way.out;
        await copyFiles({ root, path: from, idBase }, { root: ours, path: to, idBase: 0 }, options);
      } else {
        const { root: ours, from, to } = way.in;
        await copyFiles({ root: ours, path: from, idBase: 0 }, { root, path: to, idBase }, options);
      }
    });
    return true;
  } catch (error) {
    if (error instanceof TsstackError) return false;
    throw error;
  }
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
