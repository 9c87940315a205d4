import { explainReport } from '../lib/launch-report.ts';
import type { LaunchConfig } from './config.ts';
import type { Launch } from './launch-parts.ts';
import { launchProgram } from './launch-program.ts';
import { assembleElf } from './launcher/elf.ts';
import { listCalls } from './launcher/listing.ts';
import { ociLaunch } from './oci/launch.ts';
import { launchScript } from './script.ts';
import { overlayDirectories } from './steps/root.ts';
import { hasRelay } from './streams.ts';
import { streamsProgram } from './streams-program.ts';

export type { LaunchConfig, NetworkNamespace, ResolvedMount } from './config.ts';
export type { Launch } from './launch-parts.ts';

/** Descriptor of the status pipe in a launch. */
const STATUS = 3;

/**
 * Everything a start needs, as a pure function of the configuration. Throws `launch-failed` for what the kernel would
 * refuse or what would change the host, and `unsupported-host` for a user namespace on a kernel that
 * cannot map the ids of layers.
 */
export function buildLaunch(config: LaunchConfig): Launch {
  const { rootfs, paths, kernel } = config;
  if (config.oci !== undefined) return ociLaunch(config, config.oci);
  const calls = launchProgram(config);
  return {
    script: launchScript(config),
    launcher: assembleElf(kernel.arch, calls, STATUS),
    ...(hasRelay(config.spec) && { streams: assembleElf(kernel.arch, streamsProgram(config), STATUS) }),
    listing: listCalls(calls),
    directories: overlayDirectories(rootfs, paths),
  };
}

/**
 * What came out of a launcher's status pipe, in words: `mount proc on /proc: operation not permitted (EPERM)`. Also for
 * the status pipe of an exec.
 */
export function explainLaunchFailure(launch: Pick<Launch, 'listing'>, message: Uint8Array): string {
  return explainReport(launch.listing, message);
}
