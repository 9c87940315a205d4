/** The numbers of a Linux list (`0-2,7`, cpuset(7)), for comparing: the kernel writes lists its own way. */
export function cpuListsEqual(left: string, right: string): boolean {
  return [...expand(left)].join() === [...expand(right)].join();
}

function expand(list: string): readonly number[] {
  const numbers = new Set<number>();
  for (const part of list.trim().split(',')) {
    if (part === '') continue;
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let number = first; number <= last; number += 1) numbers.add(number);
  }
  return [...numbers].sort((one, other) => one - other);
}
