import { posix } from 'node:path';
import { TsstackError } from '../model/error.ts';
import type { Mount } from '../model/mounts.ts';
import type { PortMapping } from '../model/stack.ts';
import { longVolume } from './canonical/volumes.ts';
import { DotenvError, parseDotenv } from './dotenv.ts';
import { dict } from './node.ts';
import { mounts } from './normalize/mounts.ts';
import { portMappings } from './normalize/network.ts';
import { type PathBase, resolvePath } from './paths.ts';
import { parsePorts } from './ports-text.ts';
import { TemplateError } from './template.ts';
import { parseVolume } from './volume-text.ts';

/** Ports in the short form, as on a command line. Throws `usage`. */
export function parsePublished(specs: readonly string[]): PortMapping[] {
  const ports = specs.flatMap((spec) => {
    const result = parsePorts(spec);
    if ('problem' in result) throw new TsstackError('usage', result.problem);
    return result.ports.map(({ hostIp, published, target, protocol }) => ({
      target,
      protocol,
      ...(published !== undefined && { published }),
      ...(hostIp !== undefined && { host_ip: hostIp }),
    }));
  });
  return portMappings({ ...dict(), ports });
}

/** Volumes in the short form; relative paths begin at `base`. Throws `usage`. */
export function parseVolumes(specs: readonly string[], base: PathBase): Mount[] {
  const volumes = specs.map((spec) => {
    const { volume, problem } = parseVolume(spec);
    const [unknown] = volume?.unknown ?? [];
    if (volume === undefined || unknown !== undefined) {
      const why = problem ?? `unknown option "${unknown}"`;
      throw new TsstackError('usage', `Volume "${spec}": ${why}`, { hint: 'Write SOURCE:TARGET or SOURCE:TARGET:ro' });
    }
    if (posix.normalize(`${volume.target}/`) === '/') {
      throw new TsstackError('usage', `Volume "${spec}" cannot take the place of "/", the root of the container`);
    }
    const { type, source } = volume;
    return longVolume(
      type === 'bind' && source !== undefined ? { ...volume, source: resolvePath(source, base) } : volume,
    );
  });
  return mounts({ ...dict(), volumes }, base);
}

/** Variables of a file as `.env` is written; `env` fills in `$NAME`. Throws `usage`. */
export function parseEnvironment(
  text: string,
  path: string,
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const variables = new Map<string, string>();
  try {
    parseDotenv(text, variables, (name) => env[name]);
  } catch (error) {
    if (!(error instanceof DotenvError) && !(error instanceof TemplateError)) throw error;
    throw new TsstackError('usage', `${path}: ${error.message}`);
  }
  return Object.fromEntries(variables);
}
