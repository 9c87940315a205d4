import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PERL, writeAttack } from '../../helpers/attack.ts';
import { e2e, type Project } from '../../helpers/e2e.ts';
import { BUSYBOX, writeRootfs } from '../../helpers/evil-rootfs.ts';
import { until } from '../../helpers/run.ts';

/** Containers of each service: some with a terminal, and of those some with the volume for a `/dev`. */
const REPLICAS = { victim: 6, terminal: 2, covered: 2 };
const VICTIMS = Object.keys(REPLICAS);
const COUNT = Object.values(REPLICAS).reduce((sum, each) => sum + each);
/** The guarantee is 200 restarts. */
const ROUNDS = 200 / COUNT;

/** What each start looks for: a kernel parameter that can be written, a mask that is none, a file of the host. */
function look(canary: string): string {
  return `cat ${canary}/keep && echo REACHED
( : >>/proc/sys/kernel/core_pattern) && echo WRITABLE
( : >>/proc/sysrq-trigger) && echo WRITABLE
head -c 1 /proc/keys | wc -c | grep -q 0 || echo UNMASKED
[ "$(readlink /proc/self/exe)" = /bin/busybox ] || echo FAKE
case $1 in
terminal) [ "$(busybox stat -c %t:%T /dev/console)" = 88:0 ] || echo FAKE ;;
esac
[ "$1" = victim ] || [ -t 0 ] || echo FAKE
echo looked; exec sleep infinity`;
}

e2e(
  'a container that exchanges directories and links on a shared volume leads no mount, mask or file of others out of their root',
  async (project) => {
    const canary = join(project.scratch, 'canary');
    mkdirSync(canary, { mode: 0o700 });
    writeFileSync(join(canary, 'keep'), 'of the host\n', { mode: 0o600 });
    const volume = join(project.scratch, 'volume');
    // Of each pair one is a directory and one a link: to the host's canary, up and out, and elsewhere. The last two are names
    // that a terminal is looked for by.
    const pairs = [
      { name: 'absolute', to: canary },
      { name: 'dotted', to: `../../../../../../../..${canary}` },
      { name: 'other', to: '/etc' },
      { name: 'pts', to: canary },
      { name: 'console', to: join(canary, 'keep') },
    ];
    for (const { name, to } of pairs) {
      mkdirSync(join(volume, name), { recursive: true });
      symlinkSync(to, join(volume, `${name}-link`));
    }
    mkdirSync(join(project.scratch, 'inner'));
    writeFileSync(join(project.scratch, 'inner/file'), 'inner\n');
    rootWithLinks(join(project.scratch, 'root'), canary);
    project.write(look(canary), 'look.sh');
    writeAttack(project, 'swap.pl');
    const swaps = pairs.map(({ name }) => `/volume/${name}:/volume/${name}-link`);
    project.write(`services:
  swapper:
    command: [${PERL}, /swap.pl, ${swaps.join(', ')}]
    cpus: 0.8
    stop_grace_period: 0s
    volumes: ['./volume:/volume', './swap.pl:/swap.pl:ro']
  victim:
    x-rootfs: ./root
    command: [sh, /look.sh, victim]
    working_dir: /volume/dotted/made
    stop_grace_period: 0s
    network_mode: none
    sysctls: { kernel.msgmax: 4242 }
    deploy: { replicas: ${REPLICAS.victim} }
    volumes:
      - ./volume:/volume
      - ./look.sh:/look.sh:ro
      - ./inner:/volume/absolute/inner
      - ./inner:/volume/dotted/inner
      - ./inner/file:/volume/dotted/file
      - ./inner:/volume/other/inner
    tmpfs: ['/volume/absolute/tmpfs']
${withTerminal('terminal', '/dev/volume')}${withTerminal('covered', '/dev')}`);
    const nodes = nodesOfHost();
    await project.expect(0, 'up', '-d', '--wait', ...VICTIMS);
    const all = async () => (await assertKept(project, canary)) === COUNT;
    await until('all of them to start, as nobody interferes', all);
    await project.expect(0, 'up', '-d', 'swapper');
    await until('links to be swapped', async () => /^swapping$/m.test(await project.logs('swapper')));
    let looked = COUNT;
    for (let round = 0; round < ROUNDS; round += 1) {
      // A start fails when a link leads to what is not there; that is no escape.
      const { stderr } = await project.tsstack(['restart', '-t', '0', ...VICTIMS]);
      assert.doesNotMatch(stderr, /^ +at .*:\d+:\d+\)?$/m);
      looked = await assertKept(project, canary);
    }
    assert.ok(looked > 2 * COUNT, `${looked} starts got as far as to look around`);
    assert.deepEqual(readdirSync(join(project.scratch, 'inner')), ['file']);
    assert.deepEqual(nodesOfHost(), nodes, 'owners and modes of what a terminal could be taken for');
  },
  { needs: [PERL, BUSYBOX] },
);

/** One with a terminal, and the volume at or below its `/dev` (CVE-2025-52565). */
function withTerminal(name: 'terminal' | 'covered', target: string): string {
  return `  ${name}:
    x-rootfs: ./root
    command: [sh, /look.sh, ${name}]
    tty: true
    stop_grace_period: 0s
    network_mode: none
    deploy: { replicas: ${REPLICAS[name]} }
    volumes:
      - ./volume:${target}
      - ./look.sh:/look.sh:ro
      - ./inner:${target}/absolute/inner
      - ./inner:${target}/pts/inner
      - ./inner/file:${target}/console/file
`;
}

function nodesOfHost(): readonly string[] {
  const paths = ['console', 'ptmx', 'tty', 'null', 'pts']
    .map((name) => `/dev/${name}`)
    .filter((path) => existsSync(path));
  return paths.map((path) => {
    const { mode, uid, gid, rdev } = statSync(path);
    return `${path} ${mode.toString(8)} ${uid}:${gid} ${rdev}`;
  });
}

/** It has a directory where links lead, so that starts get on, and links where kernel file systems and files of /etc are mounted. */
function rootWithLinks(root: string, canary: string): void {
  writeRootfs(root);
  mkdirSync(join(root, canary), { recursive: true });
  for (const name of ['dev', 'proc', 'sys']) symlinkSync(`/volume/absolute`, join(root, name));
  symlinkSync('/volume/dotted/hosts', join(root, 'etc/hosts'));
}

/** Nothing of the host has changed and none of those who ran found anything; gives how many did. */
async function assertKept(project: Project, canary: string): Promise<number> {
  assert.deepEqual(readdirSync(canary), ['keep']);
  const keep = join(canary, 'keep');
  assert.equal(readFileSync(keep, 'utf8'), 'of the host\n');
  assert.deepEqual([statSync(keep).uid, statSync(keep).mode & 0o777, statSync(canary).mode & 0o777], [0, 0o600, 0o700]);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  assert.ok(!mounts.includes(project.scratch), mounts);
  const { stdout } = await project.tsstack(['logs', '--no-log-prefix', ...VICTIMS]);
  assert.doesNotMatch(stdout, /REACHED|WRITABLE|UNMASKED|FAKE/, stdout);
  return stdout.match(/^looked\r?$/gm)?.length ?? 0;
}
