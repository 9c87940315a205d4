/** Part of the core, not a controller (kernel: admin-guide/cgroup-v2.rst); done when cgroup.events says `frozen 1`. */
export const FREEZE_FILE = 'cgroup.freeze';

export function freezeState(frozen: boolean): string {
  return frozen ? '1' : '0';
}
