import type { LaunchConfig, OciFacts } from '../config.ts';
import { runtimeDeviceProgram } from '../device-program.ts';
import { containerEnvironment } from '../environment.ts';
import type { Bundle, Launch } from '../launch-parts.ts';
import { assembleElf } from '../launcher/elf.ts';
import { listCalls } from '../launcher/listing.ts';
import { overlayDirectories } from '../steps/root.ts';
import { hasRelay } from '../streams.ts';
import { streamsProgram } from '../streams-program.ts';
import { bundlePaths } from './bundle.ts';
import { bundleProgram, initProgram } from './bundle-program.ts';
import { configText } from './config.ts';
import { consoleProgram } from './console-program.ts';
import { ociMounts } from './mounts.ts';
import { programsDevices, runtimeTraits } from './runtimes.ts';
import { ociScript } from './script.ts';
import { ociConfig } from './spec.ts';

/** Descriptor of the status pipe in a launch. */
const STATUS = 3;
/** Where an init reports what it cannot execute: nowhere, a descriptor that is closed. */
const NOWHERE = 3;

/** A start by an OCI runtime. Throws as `buildLaunch()`. */
export function ociLaunch(config: LaunchConfig, oci: OciFacts): Launch {
  const { spec, rootfs, paths, kernel } = config;
  const calls = bundleProgram(config);
  const elf = (program: typeof calls) => assembleElf(kernel.arch, program, STATUS);
  return {
    script: ociScript(config, oci),
    launcher: elf(calls),
    ...(hasRelay(spec) && { streams: elf(spec.tty ? consoleProgram(config) : streamsProgram(config)) }),
    listing: listCalls(calls),
    directories: overlayDirectories(rootfs, paths),
    bundle: bundle(config, oci),
  };
}

function bundle(config: LaunchConfig, oci: OciFacts): Bundle {
  const { spec, identity, paths, kernel, devices } = config;
  const files = bundlePaths(paths);
  const places = ociMounts(config).filter(({ source }) => source !== undefined);
  const env = containerEnvironment(spec.env, spec, { identity, tty: spec.tty });
  const init = spec.init
    ? [{ path: files.init, data: assembleElf(kernel.arch, initProgram(config, env), NOWHERE), mode: 0o755 }]
    : [];
  const limits =
    devices !== undefined && programsDevices(runtimeTraits(oci.program))
      ? [{ path: files.devices, data: runtimeDeviceProgram(kernel, devices), mode: 0o700 }]
      : [];
  return {
    directory: files.directory,
    directories: [
      files.directory,
      files.mounts,
      files.root,
      files.state,
      ...places.filter(({ directory }) => directory).map(({ place }) => place),
    ],
    files: [
      { path: files.config, data: configText(ociConfig(config)), mode: 0o600 },
      ...places.filter(({ directory }) => !directory).map(({ place }) => ({ path: place, data: '', mode: 0o600 })),
      ...init,
      ...limits,
    ],
  };
}
