import { type Dict, isDict, type Value } from '../node.ts';

/** Reading a canonical model, whose types are known: what is absent is undefined. */

export function textAt(from: Dict, key: string): string | undefined {
  const value = from[key];
  return value === undefined || value === null ? undefined : String(value);
}

export function numberAt(from: Dict, key: string): number | undefined {
  const value = from[key];
  return value === undefined || value === null || value === '' ? undefined : Number(value);
}

export function dictAt(from: Dict | undefined, key: string): Dict | undefined {
  const value = from?.[key];
  return isDict(value) ? value : undefined;
}

export function textsAt(from: Dict, key: string): string[] {
  const value = from[key];
  return Array.isArray(value) ? value.map(String) : [];
}

export function dictsAt(from: Dict | undefined, key: string): Dict[] {
  const value = from?.[key];
  return Array.isArray(value) ? value.filter(isDict) : [];
}

/** A map of strings; keys without a value are left out. Without a prototype: a key may be `__proto__`. */
export function stringsAt(from: Dict | undefined, key: string): Record<string, string> {
  const result: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(dictAt(from, key) ?? {})) if (value !== null) result[name] = String(value);
  return result;
}

/** The object without its undefined members, as exact optional properties want it. */
export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  // Not by delete: that would turn every object into a hash table.
  const result: Partial<T> = {};
  for (const key in value) if (value[key] !== undefined) result[key] = value[key];
  return result as { [K in keyof T]: Exclude<T[K], undefined> };
}

export function boolAt(from: Dict, key: string): boolean | undefined {
  const value: Value | undefined = from[key];
  return typeof value === 'boolean' ? value : undefined;
}
