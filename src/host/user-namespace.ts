import type { Host } from './host.ts';

/** Whether ids are others outside than here: user_namespaces(7), "the initial user namespace" maps all to themselves. */
export function inUserNamespace(host: Pick<Host, 'readText'>): boolean {
  const map = (host.readText('/proc/self/uid_map') ?? '').trim().split(/\s+/).join(' ');
  return map !== '' && map !== '0 0 4294967295';
}
