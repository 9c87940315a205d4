import type { ImageAbout, ImageConfig, ImageHistoryEntry } from '../model/image.ts';
import type { Healthcheck } from '../model/stack.ts';
import { parseDigest } from './digest.ts';
import { imageInvalid } from './errors.ts';
import { asArray, asKeys, asNumber, asObject, asStrings, asText, type JsonObject, parseObject } from './json.ts';
import { type Platform, parsePlatform, platformName } from './platform.ts';

export interface ParsedConfig {
  readonly platform: Platform;
  readonly about: ImageAbout;
  readonly config: ImageConfig;
  /** Digests of the unpacked layers, bottom first. */
  readonly diffIds: readonly string[];
}

/** What a container of an image without a configuration gets. */
export const EMPTY_CONFIG: ImageConfig = {
  entrypoint: [],
  command: [],
  env: {},
  workingDir: '',
  user: '',
  volumes: [],
  exposedPorts: [],
  labels: {},
};

/** An image's configuration document, OCI image-spec config.md with Docker's healthcheck. Throws `image-invalid`. */
export function parseConfig(text: Buffer): ParsedConfig {
  const document = parseObject(text, 'the configuration');
  const platform = parsePlatform(document);
  const createdAtMs = Date.parse(asText(document['created'], 'created'));
  const rootfs = asObject(document['rootfs'] ?? {}, 'rootfs');
  const run = asObject(document['config'] ?? {}, 'config');
  const about = { platform: platformName(platform), ...(!Number.isNaN(createdAtMs) && { createdAtMs }) };
  return {
    platform,
    about,
    config: runConfig(run),
    diffIds: asStrings(rootfs['diff_ids'], 'rootfs.diff_ids').map(parseDigest),
  };
}

/** OCI image-spec config.md, "history". `sizes`: of the layers, bottom first. Throws `image-invalid`. */
export function parseHistory(text: Buffer, sizes: readonly number[]): readonly ImageHistoryEntry[] {
  const layers = sizes.values();
  return asArray(parseObject(text, 'the configuration')['history'], 'history').map((item) => {
    const entry = asObject(item, 'an entry of the history');
    const createdAtMs = Date.parse(asText(entry['created'], 'created'));
    return {
      ...(!Number.isNaN(createdAtMs) && { createdAtMs }),
      createdBy: asText(entry['created_by'], 'created_by'),
      comment: asText(entry['comment'], 'comment'),
      sizeBytes: entry['empty_layer'] === true ? 0 : (layers.next().value ?? 0),
    };
  });
}

function runConfig(run: JsonObject): ImageConfig {
  const stopSignal = asText(run['StopSignal'], 'StopSignal');
  const healthcheck = parseHealthcheck(run);
  return {
    entrypoint: asStrings(run['Entrypoint'], 'Entrypoint'),
    command: asStrings(run['Cmd'], 'Cmd'),
    env: parseEnv(asStrings(run['Env'], 'Env')),
    workingDir: asText(run['WorkingDir'], 'WorkingDir'),
    user: asText(run['User'], 'User'),
    volumes: asKeys(run['Volumes'], 'Volumes'),
    exposedPorts: asKeys(run['ExposedPorts'], 'ExposedPorts'),
    labels: parseLabels(run['Labels']),
    ...(stopSignal !== '' && { stopSignal }),
    ...(healthcheck !== undefined && { healthcheck }),
  };
}

/** A word without `=` sets nothing, as in Docker. */
function parseEnv(words: readonly string[]): Record<string, string> {
  const pairs = words.map((word) => [word.indexOf('='), word] as const).filter(([equals]) => equals > 0);
  return Object.fromEntries(pairs.map(([equals, word]) => [word.slice(0, equals), word.slice(equals + 1)]));
}

function parseLabels(value: unknown): Record<string, string> {
  const labels = asObject(value ?? {}, 'Labels');
  return Object.fromEntries(Object.keys(labels).map((key) => [key, asText(labels[key], `label ${key}`)]));
}

/** Docker image spec v1.3, "Healthcheck": times in nanoseconds; 0 and an empty test say nothing. */
function parseHealthcheck(run: JsonObject): Partial<Healthcheck> | undefined {
  if (run['Healthcheck'] === undefined || run['Healthcheck'] === null) return undefined;
  const check = asObject(run['Healthcheck'], 'Healthcheck');
  const [kind, ...words] = asStrings(check['Test'], 'Healthcheck.Test');
  const times = (
    [
      ['intervalMs', 'Interval'],
      ['timeoutMs', 'Timeout'],
      ['startPeriodMs', 'StartPeriod'],
      ['startIntervalMs', 'StartInterval'],
    ] as const
  ).flatMap(([name, key]) => {
    const ms = Math.round(asNumber(check[key], `Healthcheck.${key}`) / 1e6);
    return ms === 0 ? [] : [[name, ms] as const];
  });
  const retries = asNumber(check['Retries'], 'Healthcheck.Retries');
  return {
    ...(kind !== undefined && { test: healthTest(kind, words, asStrings(run['Shell'], 'Shell')) }),
    ...Object.fromEntries(times),
    ...(retries !== 0 && { retries }),
  };
}

function healthTest(kind: string, words: readonly string[], shell: readonly string[]): readonly string[] {
  if (kind === 'NONE') return [];
  if (kind === 'CMD') return words;
  if (kind === 'CMD-SHELL') return [...(shell.length > 0 ? shell : ['/bin/sh', '-c']), ...words];
  throw imageInvalid(`Healthcheck.Test begins with ${JSON.stringify(kind)}, not with NONE, CMD or CMD-SHELL`);
}
