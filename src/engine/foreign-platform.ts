import type { Host } from '../host/host.ts';
import { binaryHandler, runsNatively } from '../image/binfmt.ts';
import { imageKey, imageName } from '../image/image.ts';
import { hostArchitecture, platformFromText } from '../image/platform.ts';
import { imageAddress } from '../model/address.ts';
import type { ImageInfo } from '../model/image.ts';
import type { Conflict } from '../model/plan.ts';
import type { ImageSource, Service, Stack } from '../model/stack.ts';

/** Debian's; on other systems too the static one is what containers need. */
const PACKAGE = 'qemu-user-static';

/**
 * Images whose programs this machine's processor does not run: conflicts where the kernel knows nobody who does, warnings
 * where that one must be in the image.
 */
export function foreignPlatforms(
  host: Pick<Host, 'readText' | 'readDirectory'>,
  { services }: Stack,
  images: Readonly<Record<string, ImageInfo>>,
): { readonly conflicts: readonly Conflict[]; readonly warnings: readonly string[] } {
  const conflicts: Conflict[] = [];
  const warnings: string[] = [];
  for (const [key, { name, platform }] of platformsOf(services, images)) {
    const { architecture } = platformFromText(platform);
    if (architecture === 'any' || runsNatively({ architecture })) continue;
    const handler = binaryHandler(host, { architecture });
    if (handler === undefined) {
      conflicts.push({
        address: imageAddress(key),
        message: `image "${name}" is for ${platform}; this machine is ${hostArchitecture()} and has no binfmt handler for programs of ${architecture}`,
        hint: `apt-get install -y ${PACKAGE}, or use an image for linux/${hostArchitecture()}`,
      });
    } else if (!handler.preloaded) {
      warnings.push(
        `image "${name}" is for ${platform}: its programs are run by ${handler.interpreter}, which must be in the image, as the binfmt handler ${handler.name} has no flag F`,
      );
    }
  }
  return { conflicts, warnings };
}

/** By the key of the image. */
function platformsOf(
  services: Stack['services'],
  images: Readonly<Record<string, ImageInfo>>,
): ReadonlyMap<string, { readonly name: string; readonly platform: string }> {
  const used = Object.values(services).filter(({ replicas }) => replicas > 0);
  return new Map(
    used.flatMap(runSources).flatMap((source) => {
      const key = imageKey(source);
      const platform = images[key]?.platform ?? wishOf(source);
      return platform === undefined ? [] : [[key, { name: imageName(source), platform }] as const];
    }),
  );
}

/** What is only mounted need not run. */
function runSources({ source, preStart = [] }: Service): readonly ImageSource[] {
  return [source, ...preStart.flatMap((hook) => hook.source ?? [])];
}

/** Of an image that is not there yet. */
function wishOf(source: ImageSource): string | undefined {
  return source.type === 'reference' ? source.platform : undefined;
}
