import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import type { Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

/** What a row looks at: a service of its own, in a stack of all rows. */
export interface Subject {
  readonly project: Project;
  readonly service: string;
  readonly pid: number;
}

export type Look = (subject: Subject) => string | Promise<string>;

/** A field that changes, and what of it is seen from outside before and after. */
export interface Row {
  /** Field of the planner. */
  readonly field: string;
  /** Keys of the service. */
  readonly keys: readonly [before: string, after: string];
  readonly look: Look;
  readonly shows: readonly [before: string | RegExp, after: string | RegExp];
}

/** A file as the container has it. */
export const file = (path: string, pattern = /[\s\S]*/): Look => {
  return ({ pid }) => pattern.exec(readFileSync(`/proc/${pid}/root${path}`, 'utf8'))?.[0] ?? 'none';
};
/** A file of the process in the host's /proc. */
export const proc = (name: string, pattern: RegExp): Look => {
  return ({ pid }) => pattern.exec(readFileSync(`/proc/${pid}/${name}`, 'utf8'))?.[0] ?? 'none';
};
/** A link of the process: the same as ours, or not. */
export const shared = (name: string): Look => {
  return ({ pid }) => String(readlinkSync(`/proc/${pid}/${name}`) === readlinkSync(`/proc/self/${name}`));
};
export const inside = (namespaces: readonly string[], ...argv: readonly string[]): Look => {
  return ({ pid }) => execFileSync('nsenter', ['-t', String(pid), ...namespaces, ...argv], { encoding: 'utf8' }).trim();
};
export const network = (...argv: readonly string[]): Look => inside(['-n'], ...argv);
/** A file of the cgroup; under v2 the numbers are others, and it counts that they change. */
export const cgroup = (v1: `${string}/${string}`, v2: string): Look => {
  return ({ project, service }) => {
    const text = project.cgroup(service, v1, v2);
    return existsSync('/sys/fs/cgroup/cgroup.controllers') ? `v2 ${text}` : text;
  };
};
/** A field of what the container was made from, as it lies beside it. */
export const recorded = (field: string): Look => {
  return ({ project, service }) => {
    const path = `/var/lib/tsstack/stacks/${project.name}/containers/${service}.1/container.json`;
    const { spec } = JSON.parse(readFileSync(path, 'utf8')) as { spec: Record<string, unknown> };
    return JSON.stringify(spec[field]) ?? 'none';
  };
};
/** Whether an OCI runtime has a bundle beside the container. */
export const bundled: Look = ({ project, service }) =>
  String(existsSync(`/var/lib/tsstack/stacks/${project.name}/containers/${service}.1/oci`));
/** The first line that a port of this machine says; nobody there: `refused`. */
export const answer = (port: number): Look => {
  return () =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.setTimeout(5000, () => socket.destroy(new Error('timeout')));
      socket.once('data', (data) => {
        resolve(String(data).trim());
        socket.destroy();
      });
      socket.once('error', () => resolve('refused'));
    });
};
export const health: Look = ({ project, service }) =>
  until('the health to settle', async () => {
    const { health: now } = await project.container(service);
    return now !== 'starting' && now;
  });

/** Whether the front of a log of 228,894 bytes has been dropped: its index says so first. */
export const logStart: Look = ({ project, service }) => {
  const path = `/var/lib/tsstack/stacks/${project.name}/containers/${service}.1/log`;
  return until('the log to be written', () => {
    const written = statSync(path).size === 228_894 && existsSync(`${path}.index`);
    return written && readFileSync(`${path}.index`, 'utf8');
  });
};

export function row(field: string, keys: Row['keys'], look: Look, shows: Row['shows']): Row {
  return { field, keys, look, shows };
}
