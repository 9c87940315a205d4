/** What a name of a service, network or volume may hold. */
export const nameHint = 'a name holds letters, digits, ".", "_" and "-", and begins with a letter, a digit or "_"';
