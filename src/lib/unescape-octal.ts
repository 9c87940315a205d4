/**
 * A byte as a backslash and three octal digits, as the kernel writes blanks and backslashes in a table of mounts
 * (proc_pid_mountinfo(5)) and getfattr(1) those of a name.
 */
export function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
