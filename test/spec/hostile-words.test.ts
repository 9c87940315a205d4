import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadText, problemsOf } from './load-text.ts';

const service = (keys: string, rest = ''): string =>
  `services:\n  web: {command: [x], ${keys}}\nnetworks: {n: {}}\n${rest}`;

/** What a stack file may not make of the machine: a path elsewhere, a command of nft, a line in another's file. */
const REFUSED: readonly (readonly [what: string, text: string])[] = [
  ['a volume elsewhere', service('volumes: ["_v:/x"]', 'volumes: {_v: {name: ../../../etc}}')],
  ['a volume elsewhere', service('volumes: ["v:/x"]', 'volumes: {v: {name: ../../../etc, external: true}}')],
  ['a network elsewhere', 'services:\n  web: {command: [x], networks: [_n]}\nnetworks: {_n: {name: "../x y"}}'],
  ['a secret elsewhere', service('secrets: [_s]', 'secrets: {_s: {name: ../../x, environment: HOME}}')],
  ['a command of nft', service('mac_address: "02:00:00:00:00:01 }; flush ruleset; #"')],
  ['a command of nft', service('networks: {n: {mac_address: "02:00:00:00:00:01 }; flush ruleset; #"}}')],
  ['the MAC address of a group', service('mac_address: "03:00:00:00:00:01"')],
  ["a line in others' hosts files", service('networks: {n: {aliases: [ok, "a\\n1.2.3.4 db"]}}')],
  ['a name of more than one word', service('networks: {n: {aliases: ["a b"]}}')],
  ['a line in hosts files', service('domainname: "a\\n1.2.3.4 db"')],
  ['a line in hosts files', service('hostname: "a\\n1.2.3.4 db"')],
  ['a line in hosts files', service('extra_hosts: {"a\\nb": 1.2.3.4}')],
  ['a line in resolv.conf', service('dns_search: ["a\\nnameserver 1.2.3.4"]')],
  ['a command of ip', service('networks: {n: {interface_name: "a\\nlink del eth0"}}')],
  ['a pattern of names', service('networks: {n: {interface_name: "x%d"}}')],
  ['too long a name', service('networks: {n: {interface_name: abcdefghijklmnop}}')],
  ['an option', service('networks: {n: {interface_name: "-x"}}')],
  ['a shell command', service('stop_signal: "9; reboot"')],
  ['a container elsewhere', service('container_name: ../x')],
  ['a stack elsewhere', 'name: ../x\nservices: {web: {command: [x]}}'],
];

for (const [what, text] of REFUSED) {
  test(`${what} is refused, with its place: ${text.split('\n').slice(1).join(' ').slice(0, 110)}`, () => {
    const request = text.startsWith('name:') ? { projectName: undefined as never } : {};
    const errors = problemsOf(text, request).filter(({ severity }) => severity === 'error');
    assert.equal(errors.length, 1, JSON.stringify(errors));
    assert.ok(errors[0]?.position !== undefined);
    assert.doesNotMatch(errors[0]?.message ?? '', /[\u0000-\u001f]/);
  });
}

test('words that are odd and right are taken', () => {
  const { stack } = loadText(
    service(
      'mac_address: "02:42:AC:11:00:02", stop_signal: RTMIN+3, domainname: a.b_c, networks: {n: {aliases: [a.b, A-1_x], interface_name: wan_0.1}}',
      'volumes: {_v: {name: My.vol-1}}',
    ),
  );
  assert.equal(stack.services['web']?.stopSignal, 'RTMIN+3');
});
