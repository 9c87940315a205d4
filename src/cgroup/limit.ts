/**
 * One value of one file of a cgroup, as we want it: written to set it, compared with what the kernel shows to find drift.
 */
export interface Limit {
  /** `memory.limit_in_bytes`. */
  readonly file: string;
  /** `8:0`, in files with a line for each device. */
  readonly device?: string;
  /** What to write; also brings back what a new cgroup has. */
  readonly data: string;
  /** What to write when the stack file no longer names it (or the device), where limits are listed only if named. */
  readonly reset?: string;
  /** The key of the stack file that asks for it; absent: it asks for nothing, this is what a container has anyway. */
  readonly askedBy?: string;
  /** true: a new cgroup has it; not written into one. */
  readonly isInitial?: boolean;
  /** Does what the kernel shows for the file mean the same as `data`? Absent: whatever it shows is right. */
  readonly matches?: (shown: string) => boolean;
}

/** `matches` of a file that shows just what was written. */
export function shows(data: string): (shown: string) => boolean {
  return (shown) => shown.trim() === data;
}

/** `matches` of a file with a line for each device (or `default`), which comes first in it. */
export function showsLine(line: string): (shown: string) => boolean {
  return (shown) => shown.split('\n').some((each) => each.trim() === line);
}

/**
 * What to write to come from `before` to `after`: limits that differ, and the resets of devices no longer named.
 */
export function changedLimits(before: readonly Limit[], after: readonly Limit[]): readonly Limit[] {
  const old = new Map(before.map((limit) => [keyOf(limit), limit]));
  const kept = new Set(after.map(keyOf));
  const changed = after.filter((limit) => old.get(keyOf(limit))?.data !== limit.data);
  for (const limit of before) {
    if (limit.reset !== undefined && !kept.has(keyOf(limit))) changed.push({ ...limit, data: limit.reset });
  }
  return changed;
}

function keyOf(limit: Limit): string {
  return `${limit.file} ${limit.device ?? ''}`;
}
