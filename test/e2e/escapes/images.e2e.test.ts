import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { e2e, type Project, SHARED } from '../../helpers/e2e.ts';
import { images } from '../../helpers/e2e-images.ts';
import { BUSYBOX } from '../../helpers/evil-rootfs.ts';
import type { Finished } from '../../helpers/run.ts';

const MAKER = join(SHARED, 'security/make-evil-layers.py');
const CANARIES = '/tmp/evil-target';
/** What ends with a clear error must do so in this time, many times what it takes. */
const SOON_MS = 30_000;

/** Looks around as far as the image lets it, and writes where the image has links. */
const LOOK = `/busybox pwd; /busybox readlink /proc/self/cwd; /busybox cat ../../../../..${CANARIES}/keep ${CANARIES}/keep
for file in /etc/hosts /etc/hostname /etc/resolv.conf /dev/made /w/made/file; do echo from inside >$file; done
/busybox mkdir -p ${CANARIES}/inside; /busybox dd if=/disk of=/out count=1; /busybox id; /busybox env; echo looked`;

/** What must come of an image when it is started; without an entry it runs, or is refused with a message. */
const EXPECTED: Readonly<Record<string, (finished: Finished, log: string) => void>> = {
  devices: ({ status }, log) => {
    assert.equal(status, 0);
    assert.match(log, /disk.*(Operation not permitted|Permission denied)/);
  },
  'passwd-fifo': refused(/passwd|user/),
  'passwd-symlink': refused(/daemon/),
  'config-user-odd': refused(/99999999999/),
  'config-workdir-fd': (finished, log) => {
    if (finished.status === 0) assert.match(log, /^\/[^\n]*\n\//);
    else assert.match(finished.stderr, /\/proc\/self\/fd\/7/);
  },
  'config-env-odd': ({ status, stderr }, log) => {
    assert.equal(status, 0, stderr);
    assert.match(log, /^LD_PRELOAD=\/x\.so$/m);
  },
};

function refused(message: RegExp): (finished: Finished) => void {
  return ({ status, stderr, stdout }) => {
    assert.ok(status !== 0, stdout);
    assert.match(stderr + stdout, message);
  };
}

interface Case {
  readonly path: string;
  readonly tag: string;
  readonly why: string;
  readonly run?: string;
}

e2e(
  'hostile images that are started change nothing of the machine and see nothing of it',
  async (project) => {
    const directory = join(project.scratch, 'images');
    mkdirSync(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1g', 'tsstack-evil', directory]);
    const before = await images(project);
    try {
      execFileSync('python3', [MAKER, directory, '--bomb-gib', '0'], { stdio: 'ignore' });
      const { cases } = JSON.parse(readFileSync(join(directory, 'expected.json'), 'utf8'));
      const started = Object.entries(cases as Record<string, Case>).filter(([, { run }]) => run !== undefined);
      assert.ok(started.length >= 14);
      project.write(`services:\n${started.map(([name, each]) => service(name, each)).join('')}`);
      const canaries = treeOf(CANARIES);
      for (const [name, { why }] of started) {
        const { finished, log } = await start(project, name);
        const said = `${name}: ${why}\n${finished.stdout}${finished.stderr}\n${log}`;
        assert.deepEqual(treeOf(CANARIES), canaries, said);
        assert.doesNotMatch(log, /canary/i, said);
        assert.doesNotMatch(finished.stderr, /^ +at .*:\d+:\d+\)?$/m, said);
        assert.ok(finished.status !== 0 || name === 'config-entrypoint-self-exe' || /^looked$/m.test(log), said);
        try {
          EXPECTED[name]?.(finished, log);
        } catch (error) {
          throw new Error(said, { cause: error });
        }
      }
    } finally {
      await project.tsstack(['down', '-v', '-t', '0']);
      const made = (await images(project)).filter(({ id }) => !before.some((each) => each.id === id));
      if (made.length > 0) await project.tsstack(['image', 'rm', '-f', ...made.map(({ id }) => id)]);
      execFileSync('umount', [directory]);
      rmSync(CANARIES, { recursive: true, force: true });
    }
  },
  { needs: [MAKER, 'python3', BUSYBOX] },
);

/** The image as a service that looks around; the one that attacks by its entrypoint runs that. */
function service(name: string, { path, tag }: Case): string {
  const look =
    name === 'config-entrypoint-self-exe'
      ? ''
      : `    entrypoint: [/busybox, sh, -c, ${JSON.stringify(LOOK.replaceAll('$', '$$$$'))}]\n`;
  return `  ${name}:
    image: oci:./images/${path}:${tag}
${look}    network_mode: none
    volumes: ['${BUSYBOX}:/busybox:ro']
`;
}

async function start(project: Project, name: string): Promise<{ readonly finished: Finished; readonly log: string }> {
  const finished = await project.tsstack(['run', '--rm', '-T', name], { timeoutMs: SOON_MS });
  assert.notEqual(finished.status, null, `${name} hangs`);
  return { finished, log: `${finished.stdout}${finished.stderr}` };
}

/** Everything below a directory: kind, mode, owner, links, content. */
function treeOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stats = lstatSync(join(directory, name));
      const content = stats.isFile() ? readFileSync(join(directory, name), 'utf8') : '';
      return `${name} ${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${stats.nlink} ${content}`;
    });
}
