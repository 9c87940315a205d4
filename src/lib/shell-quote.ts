/** One word for a POSIX shell, quoted so that every byte of it is taken as it stands. The only quoting function. */
export function shellQuote(word: string): string {
  if (word.includes('\0')) throw new Error('a NUL byte cannot be part of a shell word');
  return /^[A-Za-z0-9_./:=@%^,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
