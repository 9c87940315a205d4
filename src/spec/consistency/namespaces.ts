import { didYouMean } from '../../lib/nearest.ts';
import { at, complain, type Place } from '../canonical/context.ts';
import { quoted } from '../printable.ts';
import { type CheckInput, checkServices, type ServiceAt } from './input.ts';

/** Words that the modes may be, besides `service:NAME` and `container:NAME` where they can be shared. */
const MODES = {
  ipc: ['none', 'private', 'shareable', 'host', 'service:NAME', 'container:NAME'],
  pid: ['private', 'host', 'service:NAME', 'container:NAME'],
  uts: ['private', 'host'],
} as const;

type Key = keyof typeof MODES;

/** What a service's namespaces are. */
export function checkNamespaces(input: CheckInput): void {
  checkServices(input, [
    ...(['ipc', 'pid', 'uts'] as const).map((key) => ({
      keys: [key],
      check: ({ service, place }: ServiceAt) => checkMode(key, service[key], at(place, key)),
    })),
    { keys: ['uts'], check: checkHostName },
    { keys: ['shm_size'], check: checkShmSize },
  ]);
}

function checkMode(key: Key, mode: unknown, place: Place): void {
  const words: readonly string[] = MODES[key];
  if (mode === undefined || mode === null || mode === '' || words.includes(String(mode))) return;
  const name = /^(?:service|container):(.*)$/s.exec(String(mode))?.[1];
  if (name !== undefined && name !== '' && words.includes('container:NAME')) return;
  complain(place, {
    code: 'schema.enum',
    message: `${key} is ${quoted(mode)}: it must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
    hint: () => didYouMean(String(mode), words),
  });
}

function checkHostName({ name, service, place }: ServiceAt): void {
  if (service['uts'] !== 'host') return;
  const key = ['hostname', 'domainname'].find((each) => service[each] !== undefined);
  if (key === undefined) return;
  const message = `the service "${name}" has both "uts: host" and "${key}", which would be that of the host: keep one`;
  complain(at(place, key), { code: 'conflict.key', message, key: true });
}

/** /dev/shm goes with the IPC namespace. */
function checkShmSize({ service, place }: ServiceAt): void {
  const mode = String(service['ipc'] ?? '');
  if (mode !== 'none' && mode !== 'host' && !mode.includes(':')) return;
  const reason = mode === 'none' ? 'there is no /dev/shm' : '/dev/shm is that of whoever has the IPC namespace';
  const message = `shm_size has no effect with "ipc: ${mode}": ${reason}`;
  complain(at(place, 'shm_size'), {
    severity: 'warning',
    code: 'unsupported.key',
    message,
    hint: 'take it out',
    key: true,
  });
}
