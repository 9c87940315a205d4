/** kernel: admin-guide/cgroup-v1/freezer-subsystem.rst. The state is FREEZING until every process has stopped. */
export const FREEZER_FILE = 'freezer.state';

export function freezerState(frozen: boolean): string {
  return frozen ? 'FROZEN' : 'THAWED';
}
