import type { ContainerSpec } from '../model/container.ts';
import type { LiveNetwork } from '../model/live.ts';
import type { FieldChange } from '../model/plan.ts';
import { describeLink } from '../model/shape.ts';
import type { Draft } from './draft.ts';
import type { Findings } from './findings.ts';
import { stays } from './interfaces.ts';
import { member } from './record.ts';

/** How networks are shaped as one field each, in words: `networks.front.shape` instead of each number of it. */
export function joinShapes(
  changes: readonly FieldChange[],
  before: ContainerSpec,
  after: ContainerSpec,
): readonly FieldChange[] {
  const shown = new Set<string>();
  return changes.flatMap((change) => {
    const network = Object.keys({ ...before.networks, ...after.networks }).find(
      (key) => change.field === `networks.${key}.shape` || change.field.startsWith(`networks.${key}.shape.`),
    );
    if (network === undefined) return change;
    const field = `networks.${network}.shape`;
    if (shown.has(field)) return [];
    shown.add(field);
    const [old, wanted] = [before, after].map((spec) => member(spec.networks, network)?.shape);
    return {
      field,
      ...(old !== undefined && { before: describeLink(old) }),
      ...(wanted !== undefined && { after: describeLink(wanted) }),
      forcesReplacement: false,
    };
  });
}

/** What was changed by hand stays as long as the container does: the plan says so, since it is not what the file says. */
export function noteLive(drafts: readonly Draft[], { warnings }: Findings): void {
  for (const draft of drafts) {
    const { observed } = draft;
    const what = observed?.live === undefined ? '' : describeLive(observed.live);
    if (observed === undefined || what === '' || !stays(draft)) continue;
    const { name } = observed.spec;
    warnings.push(`Container "${name}" is ${what} by hand; "tsstack net heal" brings back what the file says.`);
  }
}

function describeLive({ shapes = {}, cuts = [] }: LiveNetwork): string {
  const shaped = Object.entries(shapes).map(([network, shape]) => `${network}: ${describeLink(shape)}`);
  return [
    ...(shaped.length > 0 ? [`shaped (${shaped.join('; ')})`] : []),
    ...(cuts.length > 0 ? ['cut off'] : []),
  ].join(' and ');
}
