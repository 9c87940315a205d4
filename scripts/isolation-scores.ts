/**
 * Prints docs/security.md's table of scores: `node scripts/isolation-scores.ts`. Runs ../shared/security's probe in
 * containers of tsstack and, where ../shared/peers is set up and runs (`setup-peers`, with PEERS_DIR in the environment), of
 * Docker and Podman, all over the same root of busybox. Below the table: for every check that fails somewhere, who fails it.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const SHARED = resolve(import.meta.dirname, '../../shared');
const PROBE = join(SHARED, 'security/container-probe.sh');
const TSSTACK = resolve(import.meta.dirname, '../bin/tsstack');
const PEERS_EXEC = join(SHARED, 'peers/peers-exec');
const PEERS_WORK = join(process.env['PEERS_DIR'] ?? '/var/tmp/tsstack-peers', 'work');
const ARGV = ['timeout', '60', 'sh', '/container-probe.sh'];

const STRICT_KEYS = `    read_only: true
    user: '65532:65532'
    cap_drop: [ALL]
    security_opt: ['no-new-privileges:true']
    mem_limit: 256m
    pids_limit: 100
    tmpfs: ['/tmp:exec,mode=1777']
`;
const STRICT_FLAGS = [
  ...['--read-only', '--user=65532:65532', '--cap-drop=ALL', '--security-opt=no-new-privileges'],
  ...['--memory=256m', '--pids-limit=100', '--tmpfs=/tmp:exec,mode=1777'],
];

interface Run {
  readonly name: string;
  /** What the probe printed. */
  readonly text: string;
}

main();

function main(): void {
  const runs = [...ownRuns(), ...(spawnSync(PEERS_EXEC, ['true']).status === 0 ? peerRuns() : [])];
  console.log('| container | core | hard |\n| --- | --- | --- |');
  for (const { name, text } of runs) {
    const [, core, hard] = /^SCORE core (\S+) hard (\S+)$/m.exec(text) ?? [];
    console.log(`| ${name} | ${core ?? 'did not run'} | ${hard ?? text.trim().split('\n').at(-1)} |`);
  }
  for (const [check, names] of failedBy(runs)) console.log(`${check}: ${names.join(', ')}`);
}

function failedBy(runs: readonly Run[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { name, text } of runs) {
    for (const [, check = ''] of text.matchAll(/^FAIL (\S+)/gm)) found.set(check, [...(found.get(check) ?? []), name]);
  }
  return new Map([...found].sort());
}

function ownRuns(): readonly Run[] {
  const scratch = mkdtempSync(join(tmpdir(), 'tsstack-scores-'));
  copyFileSync(PROBE, join(scratch, 'probe.sh'));
  const facts = factsOf([PROBE, '--host-env'], scratch);
  const root = existsSync(join(PEERS_WORK, 'busybox')) ? `    x-rootfs: ${join(PEERS_WORK, 'busybox')}\n` : '';
  const run = (name: string, keys: string): Run => {
    const environment = facts.map(([key, value]) => `      ${key}: ${JSON.stringify(value)}\n`).join('');
    const file = join(scratch, 'stack.yaml');
    writeFileSync(
      file,
      `name: isolation-scores\nservices:\n  probe:\n${root}${keys}    environment:\n${environment}    volumes: ['./probe.sh:/container-probe.sh:ro']\n`,
    );
    return { name, text: output([TSSTACK, '-f', file, 'run', '--rm', 'probe', ...ARGV]) };
  };
  try {
    return [
      run('tsstack', ''),
      run('tsstack, user namespace', '    userns_mode: auto\n'),
      run('tsstack, strict', STRICT_KEYS),
      run('tsstack, strict, user namespace', `${STRICT_KEYS}    userns_mode: auto\n`),
    ];
  } finally {
    output([TSSTACK, '-p', 'isolation-scores', 'down', '-v']);
    rmSync(scratch, { recursive: true });
  }
}

function peerRuns(): readonly Run[] {
  mkdirSync(join(PEERS_WORK, 'scores'), { recursive: true });
  copyFileSync(PROBE, join(PEERS_WORK, 'scores/probe.sh'));
  const inside = '/peers/scores/probe.sh';
  const facts = factsOf([PEERS_EXEC, 'env', 'PROBE_MARKER_DIR=/peers/scores', 'sh', inside, '--host-env'], PEERS_WORK);
  const run = (name: string, engine: readonly string[], flags: readonly string[]): Run => {
    const environment = facts.flatMap(([key, value]) => ['-e', `${key}=${value}`]);
    const image = engine[0] === 'docker' ? 'peers/busybox' : 'localhost/peers/busybox';
    const mount = ['-v', `${inside}:/container-probe.sh:ro`];
    return { name, text: output([PEERS_EXEC, ...engine, '--rm', ...flags, ...environment, ...mount, image, ...ARGV]) };
  };
  const podman = ['podman', 'run'];
  return [
    run('docker', ['docker', 'run'], []),
    run('docker, strict', ['docker', 'run'], STRICT_FLAGS),
    run('podman with crun', podman, []),
    run('podman with crun, strict', podman, STRICT_FLAGS),
    run('podman with runc', ['podman', '--runtime=runc', 'run'], []),
    run('podman with crun, strict, user namespace', podman, [...STRICT_FLAGS, '--uidmap=0:100000:65536']),
  ];
}

/** What the probe has to know of its host: names and values. */
function factsOf(argv: readonly string[], markers: string): readonly (readonly [name: string, value: string])[] {
  const text = output(argv[0] === PROBE ? ['sh', ...argv] : argv, { PROBE_MARKER_DIR: markers });
  return [...text.matchAll(/^export (PROBE_\w+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]);
}

function output([program = '', ...args]: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  return stdout === '' ? stderr : stdout;
}
