import type { Resources } from '../model/limits.ts';
import { type Facts, NO_DEVICE } from './facts.ts';
import { changedLimits, type Limit } from './limit.ts';

/** One controller of one cgroup version: pure. */
export interface Controller {
  /** The kernel's name. */
  readonly name: string;
  /** Every limit that it keeps for these resources, in the order in which to write them into a new cgroup. */
  limits(resources: Resources, facts: Facts): readonly Limit[];
  /** Does this kernel have the file in cgroups below the root? */
  supports(file: string, facts: Facts): boolean;
  /** The order for a cgroup that has limits already. Default: as in `limits()`. */
  order?(changed: readonly Limit[], after: readonly Limit[]): readonly Limit[];
}

/** Limits of a controller that this kernel has. */
export function supportedLimits(controller: Controller, resources: Resources, facts: Facts): readonly Limit[] {
  return controller.limits(resources, facts).filter(({ file }) => controller.supports(file, facts));
}

/** What to write to come from one state to the other; `repair`: all of the latter. */
export function updateLimits(
  controller: Controller,
  change: { readonly before: Resources; readonly after: Resources; readonly repair: boolean },
  facts: Facts,
): readonly Limit[] {
  const after = supportedLimits(controller, change.after, facts);
  const changed = change.repair ? after : changedLimits(supportedLimits(controller, change.before, facts), after);
  return controller.order?.(changed, after) ?? changed;
}

/** Limits that the stack file asks for, and why they can't be set here. */
export function unsupportedLimits(controller: Controller, resources: Resources, facts: Facts): readonly string[] {
  return controller.limits(resources, facts).flatMap(({ file, device, askedBy }) => {
    if (askedBy === undefined) return [];
    if (device === NO_DEVICE) return [`${askedBy}: a device that it names is not there`];
    return controller.supports(file, facts) ? [] : [`${askedBy}: this kernel has no ${file}`];
  });
}

/** Stands in for a controller that is not there: supports nothing. */
export function absent(controller: Controller): Controller {
  return { ...controller, supports: () => false };
}
