import { at, complain, nameOf } from '../canonical/context.ts';
import { textsAt } from '../normalize/read.ts';
import { securityOption } from '../normalize/security-opt.ts';
import { quoted } from '../printable.ts';
import { type CheckInput, checkServices, type ServiceAt } from './input.ts';

/** Values of `security_opt` that mean nothing: what was to be protected would not be. */
export function checkSecurity(input: CheckInput): void {
  checkServices(input, [{ keys: ['security_opt'], check: checkOptions }]);
}

function checkOptions({ service, place }: ServiceAt): void {
  for (const [index, text] of textsAt(service, 'security_opt').entries()) {
    const option = securityOption(text);
    if (option.key !== 'wrong') continue;
    const where = at(at(place, 'security_opt'), index);
    complain(where, { message: `${nameOf(where)} ${quoted(text)}: ${option.why}`, hint: option.hint });
  }
}
