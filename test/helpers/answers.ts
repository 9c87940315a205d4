import { run, until } from './run.ts';

/** Waits until the web server at `place`, an address with a port, gives its /hostname. */
export async function answers(place: string): Promise<void> {
  const argv = ['curl', '-gsSfm5', '-o', '/dev/null', `http://${place}/hostname`];
  await until(`${place} to answer`, async () => {
    const { status, stderr } = await run(argv);
    if (status !== 0) throw new Error(stderr);
    return true;
  });
}
