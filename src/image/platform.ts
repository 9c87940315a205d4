import { TsstackError } from '../model/error.ts';
import { imageInvalid } from './errors.ts';

/** As Go spells them (GOOS, GOARCH). Empty: not said. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Of the architecture: `v7`, `v8`. Absent or empty: any. */
  readonly variant?: string;
}

/** Go's names for Node's; what is not here has the same name in both. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export function hostArchitecture(): string {
  return GO_ARCHITECTURES[process.arch] ?? process.arch;
}

/** Throws `image-invalid` when an image is for another platform than the one that is asked for. */
export function checkPlatform(wanted: Platform, platform: Platform): void {
  if (fitsPlatform(wanted, platform)) return;
  throw imageInvalid(`it is for ${platformName(platform)}, not for ${platformName(wanted)}`);
}

export function platformName({ os, architecture, variant = '' }: Platform): string {
  const name = `${os === '' ? 'any' : os}/${architecture === '' ? 'any' : architecture}`;
  return variant === '' ? name : `${name}/${variant}`;
}

/** Other spellings that users write, as `uname -m` and Debian have them. */
const SPELLINGS: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', i386: '386', armhf: 'arm' };

/** `linux/arm64/v8`, `arm64`. Throws `image-invalid`. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const [os = '', architecture = '', variant = ''] = parts.length === 1 ? ['linux', ...parts] : parts;
  if (
    parts.length > 3 ||
    [os, architecture, variant].some((part) => !/^[a-z0-9_.-]*$/.test(part)) ||
    architecture === ''
  ) {
    throw new TsstackError('image-invalid', `${JSON.stringify(text.slice(0, 100))} is not a platform`, {
      hint: 'Write OS/ARCHITECTURE[/VARIANT], such as linux/arm64',
    });
  }
  return { os, architecture: SPELLINGS[architecture] ?? architecture, variant };
}

/** Whether an image of this platform is one for the platform that is asked for. */
export function fitsPlatform(wanted: Platform, { os, architecture, variant = '' }: Platform): boolean {
  const same = (asked: string, found: string): boolean => asked === '' || found === '' || asked === found;
  // Of arm64 there is only v8, which most leave out.
  const generation = (name: string): string => (architecture === 'arm64' && name === 'v8' ? '' : name);
  return (
    same(wanted.os, os) &&
    same(wanted.architecture, architecture) &&
    same(generation(wanted.variant ?? ''), generation(variant))
  );
}

export function hostPlatform(): Platform {
  return { os: 'linux', architecture: hostArchitecture() };
}
