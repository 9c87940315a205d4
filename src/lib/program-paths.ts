const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Where a program of the machine may be, by its name or absolute path: the same for a daemon, a client and a shell. */
export function programPaths(name: string): readonly string[] {
  return name.startsWith('/') ? [name] : DIRECTORIES.map((directory) => `${directory}/${name}`);
}
