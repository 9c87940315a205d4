import type { NetworkSummary } from '../../daemon/network-api.ts';
import { TsstackError } from '../../model/error.ts';

type Test = (network: NetworkSummary) => boolean;

/** What is compared, by the words before `=`. */
const TESTS: Readonly<Record<string, (value: string) => Test>> = {
  driver: (value) => (network) => network.driver === value,
  name: (value) => (network) => network.name.includes(value),
  label: (value) => (network) => hasLabel(network, value),
  'label!': (value) => (network) => !hasLabel(network, value),
  stack: (value) => (network) => network.stack === value,
  dangling: (value) => {
    const wanted = booleanOf(value);
    return (network) => (network.users.length === 0) === wanted;
  },
};

/** Whether a network is one of those that `--filter` asks for: of the same word any, of different words all. Throws `usage`. */
export function networkFilter(filters: readonly string[]): Test {
  const tests = new Map<string, Test[]>();
  for (const filter of filters) {
    const [, word = '', value = ''] = /^([a-z]+!?)=(.*)$/.exec(filter) ?? [];
    const test = Object.hasOwn(TESTS, word) ? TESTS[word] : undefined;
    if (test === undefined) {
      throw new TsstackError('usage', `Option --filter needs NAME=VALUE, got "${filter}"`, {
        hint: `The names are ${Object.keys(TESTS).join(', ')}`,
      });
    }
    tests.set(word, [...(tests.get(word) ?? []), test(value)]);
  }
  // Docker wants all labels, and one of several values of anything else.
  return (network) =>
    [...tests].every(([word, list]) =>
      word.startsWith('label') ? list.every((test) => test(network)) : list.some((test) => test(network)),
    );
}

/** `KEY` or `KEY=VALUE`. */
function hasLabel({ labels }: NetworkSummary, wanted: string): boolean {
  const [key = '', ...rest] = wanted.split('=');
  return Object.hasOwn(labels, key) && (rest.length === 0 || labels[key] === rest.join('='));
}

function booleanOf(value: string): boolean {
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new TsstackError('usage', `Option --filter dangling needs true or false, got "${value}"`);
}
