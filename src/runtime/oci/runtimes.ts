import { posix } from 'node:path';

/** What is known of an OCI runtime by its program's name; nobody else says it: `features` is young, and crun 1.8 has none. */
export interface RuntimeTraits {
  /** As errors name it. */
  readonly name: string;
  /**
   * Its containers are processes of this kernel in namespaces, so that who enters those is where pid 1 is. Otherwise
   * (a kernel in user space, a virtual machine) only the runtime itself can execute something in a container.
   */
  readonly namespaces: boolean;
  /** It can be told to leave cgroups alone; then it is started in those of the container. */
  readonly leavesCgroups: boolean;
}

const IN_NAMESPACES = ['crun', 'runc', 'youki'];

/** `program`: absolute path. */
export function runtimeTraits(program: string): RuntimeTraits {
  const name = posix.basename(program);
  const is = (known: string) => name === known || name.startsWith(`${known}-`);
  return { name, namespaces: IN_NAMESPACES.some(is), leavesCgroups: is('crun') };
}

/** Whether nobody but the runtime can enter a container: its processes are another kernel's. `runtime`: absent, we start it. */
export function hasOwnKernel(runtime: string | undefined): runtime is string {
  return runtime !== undefined && !runtimeTraits(runtime).namespaces;
}

/** Whether it attaches a device program to the container's cgroup (v2) which ours has to take the place of. */
export function programsDevices({ namespaces, leavesCgroups }: RuntimeTraits): boolean {
  return namespaces && !leavesCgroups;
}
