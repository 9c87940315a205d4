/** Records who reaches whom with Docker, in test/e2e/reach/docker.txt: `node test/helpers/record-reach.ts`, where the rig runs. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { dockerPid, inRig, PEERS_WORK, rigPid } from '../../scripts/bench/rig.ts';
import { type Enter, tryReach } from './reach.ts';

const folder = new URL('../e2e/reach/', import.meta.url).pathname;
const compose = (...words: readonly string[]): string =>
  inRig('env', 'IMAGE=peers/busybox', 'docker', 'compose', '-p', 'reach', '-f', '/peers/reach.yaml', ...words);

function enter(pid: number): Enter {
  return (argv) => ['nsenter', '-t', String(pid), '-n', '--', ...argv];
}

copyFileSync(`${folder}stack.yaml`, `${PEERS_WORK}/reach.yaml`);
try {
  compose('up', '-d', '--quiet-pull');
  const container = (service: string): Enter => enter(dockerPid(`reach-${service}-1`));
  writeFileSync(`${folder}docker.txt`, await tryReach({ host: enter(rigPid()), container }));
} finally {
  compose('down', '-v', '-t', '0');
}
