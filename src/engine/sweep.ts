import { dirname } from 'node:path';
import type { ExecutorContext } from '../executor/context.ts';
import { drainCgroup } from '../executor/drain-cgroup.ts';
import type { HostOp } from '../host/op.ts';
import { netnsName, parseMachineName } from '../model/address.ts';
import { removeSandbox } from '../network/endpoint.ts';
import { cgroupName, exitDirectory, OWNER, secretsRoot, stackDirectory } from '../store/paths.ts';

/**
 * Removes what bears a stack's name and is in no record: left where a machine or a daemon died between making a thing
 * and describing it. Called after everything known was removed.
 */
export async function sweep(context: ExecutorContext, stack: string): Promise<void> {
  const { host, paths, cgroups, records } = context;
  if (records.containersOf(stack).length > 0) return;
  const operations: HostOp[] = [];
  for (const name of host.readDirectory('/run/netns')) {
    const key = parseMachineName(name.replace(/^ts-/, ''));
    if (key !== undefined && key.stack === stack && name === netnsName(key)) operations.push(...removeSandbox(key, []));
  }
  for (const name of cgroupsOf(context, stack)) {
    await drainCgroup(context, name);
    operations.push(...cgroups.remove(name));
  }
  const kept = records.networksOf(stack);
  const bridges = new Set(kept.map(({ bridge }) => bridge));
  for (const link of linksOf(context, stack).filter((name) => !bridges.has(name))) {
    operations.push({ op: 'ip', args: ['link', 'del', 'dev', link], tolerate: 'absent' });
  }
  for (const name of host.readDirectory(exitDirectory(paths))) {
    if (parseMachineName(name)?.stack === stack)
      operations.push({ op: 'remove', path: `${exitDirectory(paths)}/${name}` });
  }
  const secrets = secretsRoot(paths);
  for (const name of host.readDirectory(secrets)) {
    if (parseMachineName(name)?.stack === stack)
      operations.push({ op: 'remove-secrets', root: secrets, directory: `${secrets}/${name}` });
  }
  // A network that containers of other stacks are on stays, and with it what describes it.
  const directory = stackDirectory(paths, stack);
  operations.push({ op: 'remove', path: kept.length === 0 ? directory : `${directory}/containers` });
  operations.push({ op: 'rmdir', path: `${paths.state}/stacks`, tolerateNonEmpty: true });
  await host.perform(operations);
}

/** Interfaces that say in their alias whose they are: `tsstack demo network.default`. */
function linksOf({ host }: ExecutorContext, stack: string): readonly string[] {
  return host
    .readDirectory('/sys/class/net')
    .filter((name) => host.readText(`/sys/class/net/${name}/ifalias`)?.startsWith(`${OWNER} ${stack} `) === true);
}

/** Names of the stack's cgroups in any hierarchy. */
function cgroupsOf({ host, cgroups }: ExecutorContext, stack: string): readonly string[] {
  const probe = cgroupName({ stack, service: 'any', index: 1 });
  const directories = cgroups.procsFiles(probe).map((file) => dirname(dirname(file)));
  const names = directories.flatMap((directory) => host.readDirectory(directory));
  const replicas = names.filter((name) => parseMachineName(`${stack}.${name}`) !== undefined);
  return [...new Set(replicas)].map((name) => `${OWNER}/${stack}/${name}`);
}
