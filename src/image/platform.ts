import { imageInvalid } from './errors.ts';

/** As Go spells them (GOOS, GOARCH). Empty: not said. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** Go's names for Node's; what is not here has the same name in both. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export function hostArchitecture(): string {
  return GO_ARCHITECTURES[process.arch] ?? process.arch;
}

/** true: programs for this platform run here; also when nothing is said. */
export function runsHere({ os, architecture }: Platform): boolean {
  return (os === '' || os === 'linux') && (architecture === '' || architecture === hostArchitecture());
}

/** Throws `image-invalid` for a platform whose programs do not run here. */
export function checkPlatform(platform: Platform): void {
  if (runsHere(platform)) return;
  throw imageInvalid(`it is for ${platformName(platform)}, and this machine is linux/${hostArchitecture()}`);
}

export function platformName({ os, architecture }: Platform): string {
  return `${os === '' ? 'any' : os}/${architecture === '' ? 'any' : architecture}`;
}
