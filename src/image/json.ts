import { imageInvalid } from './errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** JSON text of an image as an object. Throws `image-invalid`. */
export function parseObject(text: Buffer, what: string): JsonObject {
  return asObject(parseJson(text, what), what);
}

export function parseJson(text: Buffer, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text)) as unknown;
  } catch (error) {
    throw imageInvalid(`${what} is not JSON`, error);
  }
}

export function asObject(value: unknown, what: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw imageInvalid(`${what} is no object`);
  return value as JsonObject;
}

/** Absent and null: empty, as Go writes them. */
export function asArray(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw imageInvalid(`${what} is no list`);
  return value;
}

export function asStrings(value: unknown, what: string): readonly string[] {
  return asArray(value, what).map((item) => {
    if (typeof item !== 'string') throw imageInvalid(`${what} is no list of texts`);
    return item;
  });
}

export function asText(value: unknown, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw imageInvalid(`${what} is no text`);
  return value;
}

/** Absent and null: 0. */
export function asNumber(value: unknown, what: string): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number') throw imageInvalid(`${what} is no number`);
  return value;
}

/** The keys of an object whose values mean nothing (`{"80/tcp": {}}`). Absent: empty. */
export function asKeys(value: unknown, what: string): readonly string[] {
  return value === undefined || value === null ? [] : Object.keys(asObject(value, what));
}
