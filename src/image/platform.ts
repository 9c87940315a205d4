import { imageInvalid } from './errors.ts';
import { asText, type JsonObject } from './json.ts';

/** As Go spells them (GOOS, GOARCH). Empty: not said. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v7` of arm, `v8` of arm64, `v3` of amd64. Absent: the one that every machine of the architecture runs. */
  readonly variant?: string;
}

/** Go's names for Node's; what is not here has the same name in both. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Variants that are meant when none is said, as containerd's platforms package normalises them. */
const USUAL_VARIANTS: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8', amd64: 'v1' };

export function hostArchitecture(): string {
  return GO_ARCHITECTURES[process.arch] ?? process.arch;
}

/** The members of a descriptor's `platform`, or of a configuration. Throws `image-invalid`. */
export function parsePlatform(document: JsonObject): Platform {
  const variant = asText(document['variant'], 'variant');
  return {
    os: asText(document['os'], 'os'),
    architecture: asText(document['architecture'], 'architecture'),
    ...(variant !== '' && { variant }),
  };
}

/** Throws `image-invalid` when an image is for another platform than the one that is asked for. */
export function checkPlatform(wanted: Platform, platform: Platform): void {
  if (platformDistance(wanted, platform) !== undefined) return;
  throw imageInvalid(`it is for ${platformName(platform)}, not for ${platformName(wanted)}`);
}

/**
 * How well programs for `offered` suit a machine that is `wanted`: 0 is best. undefined: they do not run there. A machine
 * runs older variants of its architecture too, the newest of them best; what says nothing comes last.
 */
export function platformDistance(wanted: Platform, offered: Platform): number | undefined {
  if (offered.os === '' || offered.architecture === '') return runsOn(wanted, offered) ? 1000 : undefined;
  if (!runsOn(wanted, offered)) return undefined;
  const distance = variantNumber(wanted) - variantNumber(offered);
  if (!Number.isNaN(distance)) return distance >= 0 ? distance : undefined;
  return wanted.variant === offered.variant ? 0 : undefined;
}

/** The one of them that suits best, the first of several; undefined: none runs there. */
export function nearestPlatform<Item extends { readonly platform: Platform }>(
  wanted: Platform,
  offered: readonly Item[],
): Item | undefined {
  const ranked = offered.flatMap((item) => {
    const distance = platformDistance(wanted, item.platform);
    return distance === undefined ? [] : [{ item, distance }];
  });
  return ranked.sort((one, other) => one.distance - other.distance)[0]?.item;
}

/** For messages: what a list of images is for. */
export function platformNames(offered: readonly { readonly platform: Platform }[]): string {
  return [...new Set(offered.map(({ platform }) => platformName(platform)))].slice(0, 20).join(', ');
}

function runsOn(wanted: Platform, { os, architecture }: Platform): boolean {
  return (os === '' || os === wanted.os) && (architecture === '' || architecture === wanted.architecture);
}

function variantNumber({ architecture, variant }: Platform): number {
  const [, number] = /^v([0-9]{1,2}(?:\.[0-9]{1,2})?)$/.exec(variant ?? USUAL_VARIANTS[architecture] ?? '') ?? [];
  return Number(number);
}

/** `linux/arm64` or `linux/arm/v7`. */
export function platformName({ os, architecture, variant }: Platform): string {
  const name = `${os === '' ? 'any' : os}/${architecture === '' ? 'any' : architecture}`;
  return variant === undefined ? name : `${name}/${variant}`;
}

/** Other spellings that users write, as `uname -m` and Debian have them. */
const SPELLINGS: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', i386: '386', armhf: 'arm' };

/** Those that can be written without their system. */
const ARCHITECTURES = new Set(['amd64', 'arm64', 'arm', '386', 'ppc64le', 's390x', 'riscv64', 'loong64', 'mips64le']);

/** `linux/arm64`, `linux/arm/v7`, `arm64`. Throws `image-invalid`. */
export function platformFromText(text: string): Platform {
  const full = ARCHITECTURES.has(SPELLINGS[text] ?? text) ? `linux/${text}` : text;
  const [, os, architecture, variant] = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(full) ?? [];
  if (os === undefined || architecture === undefined) {
    throw imageInvalid(
      `${JSON.stringify(text.slice(0, 200))} is not a platform: it is OS/ARCHITECTURE[/VARIANT], such as linux/arm64`,
    );
  }
  return { os, architecture: SPELLINGS[architecture] ?? architecture, ...(variant !== undefined && { variant }) };
}

export function hostPlatform(): Platform {
  return { os: 'linux', architecture: hostArchitecture() };
}
