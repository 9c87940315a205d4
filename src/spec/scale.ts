import type { Context } from './canonical/context.ts';
import { type Dict, isDict } from './node.ts';
import { checkServiceNames } from './select.ts';

/** Sets the numbers of replicas that a command asked for, as Compose's `--scale`; the files' own are not looked at. */
export function applyScale(all: Dict, scale: Readonly<Record<string, number>>, context: Context): void {
  checkServiceNames(Object.keys(scale), all, context);
  for (const [name, replicas] of Object.entries(scale)) {
    const service = Object.hasOwn(all, name) ? all[name] : undefined;
    if (!isDict(service)) continue;
    service['scale'] = replicas;
    if (isDict(service['deploy'])) service['deploy']['replicas'] = replicas;
  }
}
