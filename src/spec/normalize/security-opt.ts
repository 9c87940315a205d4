import type { SeLinuxLabel } from '../../model/limits.ts';

/** What an item of `security_opt` asks for. */
export type SecurityOption =
  | { readonly key: 'no-new-privileges'; readonly value: boolean }
  | { readonly key: 'seccomp'; readonly value: string }
  | { readonly key: 'apparmor'; readonly value: string }
  | { readonly key: 'systempaths'; readonly value: 'unconfined' }
  /** A part of a context; `disable`: no context at all. */
  | { readonly key: 'label'; readonly part: keyof SeLinuxLabel | 'disable'; readonly value: string }
  /** `why`: what is wrong with it, and what to write. */
  | { readonly key: 'wrong'; readonly why: string; readonly hint: string }
  | { readonly key: 'other' };

/** Reads `key=value` and, as Docker does, the older `key:value`. */
export function securityOption(text: string): SecurityOption {
  const [, key = '', value] = /^([^=:]+)(?:[=:](.*))?$/s.exec(text) ?? [];
  switch (key) {
    case 'no-new-privileges':
      return noNewPrivileges(value ?? 'true');
    case 'label':
      return labelOption(value ?? '');
    case 'seccomp':
    case 'apparmor':
      if (value !== undefined && value !== '') return { key, value };
      return { key: 'wrong', why: `it names no ${key} profile`, hint: `write ${key}=PROFILE or ${key}=unconfined` };
    case 'systempaths':
      if (value === 'unconfined') return { key, value };
      return { key: 'wrong', why: 'its value is not known', hint: 'write systempaths=unconfined, or take it out' };
    default:
      return { key: 'other' };
  }
}

/** Go's strconv.ParseBool(). */
function noNewPrivileges(value: string): SecurityOption {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return { key: 'no-new-privileges', value: true };
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return { key: 'no-new-privileges', value: false };
  return { key: 'wrong', why: 'its value is neither true nor false', hint: 'write no-new-privileges:true' };
}

function labelOption(text: string): SecurityOption {
  if (text === 'disable') return { key: 'label', part: 'disable', value: '' };
  const [, part, value = ''] = /^(user|role|type|level)[:=](.+)$/s.exec(text) ?? [];
  // In a context, colons stand between user, role and type; a level is what remains.
  const valid = part === 'level' ? /^[^\s\0]+$/ : /^[^\s:\0]+$/;
  if ((part === 'user' || part === 'role' || part === 'type' || part === 'level') && valid.test(value)) {
    return { key: 'label', part, value };
  }
  const filetype = /^(filetype|nested)/.test(text);
  return {
    key: 'wrong',
    why: filetype ? 'files are not given labels of SELinux' : 'it is no part of a context of SELinux',
    hint: 'write label=user:USER, label=role:ROLE, label=type:TYPE, label=level:LEVEL or label=disable',
  };
}
