/** The AppArmor profile that containers get, unless their file says otherwise or they are privileged. */
export const DEFAULT_PROFILE = 'tsstack-default';

/** One line a profile that is loaded: `NAME (enforce)`. Not there: securityfs is not mounted, or no AppArmor. */
export const LOADED_PROFILES = '/sys/kernel/security/apparmor/profiles';
