import { expandStep } from '../build/dockerfile/expand.ts';
import { parseDockerfile } from '../build/dockerfile/parse.ts';
import { StageScope } from '../build/dockerfile/scope.ts';
import { applyToConfig, environmentOf, type RunDocument } from '../build/image-config.ts';
import { canonicalName, parseReference } from '../image/content/reference.ts';
import { TsstackError } from '../model/error.ts';

/** Of layers that are made here, as Docker packs them. */
export const GZIP_LEVEL = 6;

/** Instructions that `--change` may hold (docker commit, docker import). */
const ALLOWED = new Set([
  'cmd',
  'entrypoint',
  'env',
  'expose',
  'label',
  'onbuild',
  'user',
  'volume',
  'workdir',
  'stopsignal',
  'healthcheck',
  'shell',
]);

/** The name of an image that is made here, in full. Throws `usage` for one with a digest. */
export function newName(text: string): string {
  const reference = parseReference(text);
  if (reference.digest === undefined) return canonicalName(reference);
  throw new TsstackError('usage', `${JSON.stringify(text)} has a digest, which follows from the content`, {
    hint: 'Give a name and a tag, such as app:1.2',
  });
}

/**
 * A configuration with instructions of a Dockerfile applied in their order; variables are those of the image's
 * environment. Throws `usage` for an instruction that changes files, `invalid-dockerfile`.
 */
export function changedConfig(config: RunDocument, changes: readonly string[]): RunDocument {
  if (changes.length === 0) return config;
  const { stages, escapeCharacter } = parseDockerfile(`FROM scratch\n${changes.join('\n')}\n`, '--change');
  if (stages.length > 1) throw notAllowed('from');
  const environment = environmentOf(config);
  const scope = new StageScope({ given: new Map(), globals: new Map(), environment, escapeCharacter });
  let cmdSet = false;
  let result = config;
  for (const instruction of stages[0]?.instructions ?? []) {
    if (!ALLOWED.has(instruction.type)) throw notAllowed(instruction.type);
    const { step } = expandStep(instruction, scope);
    cmdSet ||= step.type === 'cmd';
    result = applyToConfig(result, step, cmdSet);
    if (step.type === 'env') scope.setEnvironment(step.pairs);
  }
  return result;
}

function notAllowed(instruction: string): TsstackError {
  return new TsstackError('usage', `--change cannot be ${instruction.toUpperCase()}`, {
    hint: `It can be ${[...ALLOWED].join(', ').toUpperCase()}`,
  });
}
