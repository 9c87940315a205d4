import type { Pressure, Usage } from '../../model/observed.ts';

const RESOURCES = ['cpu', 'memory', 'io'] as const;

/** `cpu.pressure`, `memory.pressure` and `io.pressure` of a cgroup; the files are not there where PSI is off. */
export function readPressure(read: (file: string) => string | undefined): Pick<Usage, 'pressure'> {
  const pressure: { -readonly [Name in keyof Pressure]: Pressure[Name] } = {};
  for (const resource of RESOURCES) {
    const share = parseSome(read(`${resource}.pressure`));
    if (share !== undefined) pressure[resource] = share;
  }
  return Object.keys(pressure).length === 0 ? {} : { pressure };
}

/** `some avg10=1.53 avg60=…`: percent of time. */
function parseSome(text: string | undefined): number | undefined {
  const [, average] = /^some avg10=([0-9]+(?:\.[0-9]+)?)/m.exec(text ?? '') ?? [];
  return average === undefined ? undefined : Number(average);
}
