import { createHash } from 'node:crypto';
import type { ContainerSpec } from '../model/container.ts';
import { TsstackError } from '../model/error.ts';
import type { KernelFacts } from './kernel-facts.ts';
import type { Identity } from './user.ts';

/** Ids of a container's user namespace: 0 to 65535, as every engine has it. */
export const ID_COUNT = 0x10000;

/**
 * The host's ids that nobody gives out: above those of /etc/subuid (login.defs, SUB_UID_MAX 600100000) and of
 * systemd-nspawn (to 0x6fffffff), below systemd's foreign range (systemd docs/UIDS-GIDS.md, "Summary"), and below 2^31,
 * which some programs take for negative.
 */
const FIRST_ID = 0x70000000;
const END_OF_IDS = 0x7ffe0000;
const SLOTS = (END_OF_IDS - FIRST_ID) / ID_COUNT;

/**
 * The host's id of a stack's user 0 in user namespaces: always the same for the same name. There are 4094 ranges, so two
 * stacks may have the same one; they are then kept from each other as without user namespaces.
 */
export function firstHostId(stack: string): number {
  const hash = createHash('sha256').update(`user namespace\0${stack}`).digest();
  return FIRST_ID + (hash.readUInt32BE(0) % SLOTS) * ID_COUNT;
}

/**
 * The same for a container; undefined without a user namespace of its own. Throws `unsupported-host` on a kernel that
 * cannot map the ids of an overlay's layers, `launch-failed` for what a user namespace cannot do.
 */
export function hostIdBase(spec: ContainerSpec, kernel: KernelFacts, identity: Identity): number | undefined {
  if (spec.namespaces.user !== 'private') return undefined;
  if (kernel.userNamespace === true) {
    throw new TsstackError(
      'unsupported-host',
      `${spec.name} cannot have a user namespace of its own in that of a user`,
      {
        hint: "Remove userns_mode: its root is this user's already. Or run tsstack as root.",
      },
    );
  }
  const [major, minor] = kernel.version;
  if (major < 5 || (major === 5 && minor < 19)) {
    throw new TsstackError('unsupported-host', `Linux ${major}.${minor} cannot give ${spec.name} a user namespace`, {
      hint: 'Use Linux 5.19 or newer, or remove userns_mode.',
    });
  }
  if (spec.security.privileged) {
    throw new TsstackError('launch-failed', `${spec.name} is privileged, which a user namespace would undo`, {
      hint: 'Remove one of privileged and userns_mode.',
    });
  }
  const beyond = [identity.uid, identity.gid, ...identity.groups].find((id) => id >= ID_COUNT);
  if (beyond !== undefined) {
    throw new TsstackError('launch-failed', `The user namespace of ${spec.name} has no user or group ${beyond}`, {
      hint: `Use ids up to ${ID_COUNT - 1}, or remove userns_mode.`,
    });
  }
  return firstHostId(spec.key.stack);
}

/** For a `MountPolicy`. */
export function ownUserNamespace({ userNamespace }: KernelFacts): { readonly userNamespace?: true } {
  return userNamespace === true ? { userNamespace } : {};
}
