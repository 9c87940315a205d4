import { imageInvalid } from '../errors.ts';

/** Values stay bytes: extended attributes are binary. */
export type PaxRecords = ReadonlyMap<string, Buffer>;

/** Records of a pax extended header, `<length> <key>=<value>\n` each. Strict, so that no two readers differ. */
export function parsePax(data: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(0x20, at);
    const digits = data.toString('latin1', at, space === -1 ? at : Math.min(space, at + 12));
    const end = at + Number(digits);
    if (!/^[1-9][0-9]*$/.test(digits) || end > data.length || end <= space || data[end - 1] !== 0x0a) {
      throw imageInvalid('an extended header has a record of a wrong length');
    }
    const equals = data.indexOf(0x3d, space);
    if (equals === -1 || equals >= end) throw imageInvalid('an extended header has a record without "="');
    const key = data.toString('latin1', space + 1, equals);
    if (key === 'GNU.sparse.offset') throw imageInvalid('sparse files of format 0.0 are not supported');
    records.set(key, data.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** A number of a record; undefined when the record is not there. Fractions (of times) are kept. */
export function paxNumber(records: PaxRecords, key: string): number | undefined {
  const value = records.get(key)?.toString('latin1');
  if (value === undefined || value === '') return undefined;
  if (!/^-?[0-9]+(\.[0-9]*)?$/.test(value)) throw imageInvalid(`the extended header's ${key} is not a number`);
  return Number(value);
}

/** A byte string of a record; undefined when it is not there. */
export function paxText(records: PaxRecords, key: string): string | undefined {
  const value = records.get(key)?.toString('latin1');
  return value === '' ? undefined : value;
}
