import type { Host } from '../host/host.ts';
import { LOADED_PROFILES } from '../model/apparmor.ts';
import type { ContainerSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { SeLinuxLabel } from '../model/limits.ts';
import type { KernelFacts } from './kernel-facts.ts';

/** A label to be had from the execution of the program on. */
export interface Label {
  readonly module: 'AppArmor' | 'SELinux';
  /** Profile or context. */
  readonly name: string;
  readonly file: string;
  readonly text: string;
  /** For the listing and error messages. */
  readonly words: string;
}

/**
 * The labels that a container's programs get. Throws `unsupported-host` for one that this machine cannot give: a container
 * never starts with less than was asked for.
 */
export function containerLabels(
  { security }: Pick<ContainerSpec, 'security'>,
  { labels }: KernelFacts,
): readonly Label[] {
  const { privileged, seLinux } = security;
  const appArmor = security.appArmor ?? (privileged ? undefined : labels.appArmor?.profile);
  const wanted: Label[] = [];
  if (appArmor !== undefined && (appArmor !== 'unconfined' || labels.appArmor !== undefined)) {
    if (labels.appArmor === undefined) {
      throw new TsstackError('unsupported-host', `This machine has no AppArmor for the profile "${appArmor}"`, {
        hint: 'Boot with lsm=…,apparmor, or take apparmor=… out of security_opt.',
      });
    }
    const words = `get AppArmor profile ${appArmor}, which apparmor_parser must have loaded, on execution`;
    wanted.push({ file: labels.appArmor.file, module: 'AppArmor', name: appArmor, text: `exec ${appArmor}`, words });
  }
  if (seLinux !== undefined) {
    if (labels.seLinux === undefined) {
      throw new TsstackError('unsupported-host', 'This machine has no SELinux for the label of security_opt', {
        hint: 'Boot with SELinux enabled, or take label=… out of security_opt.',
      });
    }
    const context = contextWith(labels.seLinux.context, seLinux);
    const words = `get SELinux context ${context} on execution`;
    wanted.push({ file: labels.seLinux.file, module: 'SELinux', name: context, text: context, words });
  }
  return wanted;
}

/** Name of an AppArmor profile that is asked for and not loaded; undefined also where it cannot be told. */
export function missingProfile(host: Host, profile: string | undefined): string | undefined {
  if (profile === undefined || profile === 'unconfined') return undefined;
  const loaded = host.readText(LOADED_PROFILES);
  if (loaded === undefined) return undefined;
  // `NAME (enforce)`
  const names = loaded.split('\n').map((line) => line.replace(/ \([a-z]+\)$/, ''));
  return names.includes(profile) ? undefined : profile;
}

function contextWith(usual: string, { user, role, type, level }: SeLinuxLabel): string {
  const [, usualUser = '', usualRole = '', usualType = '', usualLevel] =
    /^([^:]*):([^:]*):([^:]*)(?::(.*))?$/.exec(usual) ?? [];
  const parts = [user ?? usualUser, role ?? usualRole, type ?? usualType, level ?? usualLevel];
  return parts.filter((part) => part !== undefined).join(':');
}
