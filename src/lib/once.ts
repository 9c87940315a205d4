/** The same question gets the first answer again, undefined too, as long as what this returns is kept. */
export function once<Value>(look: (key: string) => Value): (key: string) => Value {
  const seen = new Map<string, Value>();
  return (key) => {
    if (seen.has(key)) return seen.get(key) as Value;
    const value = look(key);
    seen.set(key, value);
    return value;
  };
}
