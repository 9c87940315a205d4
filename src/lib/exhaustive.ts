/** Put into the `default` of a `switch` over a union: a case that was forgotten does not compile. */
export function exhaustive(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}
