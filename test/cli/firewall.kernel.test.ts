import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { firewallChecks, legacyChecks, nftChecks } from '../../src/cli/doctor/firewall.ts';
import { rulesetScript } from '../../src/network/ruleset.ts';
import { Machine } from '../helpers/machine.ts';

const DOCKER = `
  table ip filter {
    chain DOCKER-USER { return; }
    chain FORWARD { type filter hook forward priority 0; policy drop; iifname "docker0" accept; counter jump DOCKER-USER; }
    chain INPUT { type filter hook input priority 0; policy accept; ct state invalid drop; }
  }`;
const FIREWALLD = `
  table inet firewalld {
    chain filter_FORWARD { type filter hook forward priority filter + 10; ct state established accept; counter reject; }
    chain filter_INPUT { type filter hook input priority filter + 10; policy drop; tcp dport 22 accept; }
    chain filter_OUTPUT { type filter hook output priority filter + 10; policy drop; }
  }`;

describe('firewalls of others', () => {
  let machine: Machine;
  before(async () => {
    machine = await Machine.fresh();
  });
  after(() => machine.close());

  /** What is found on a machine with these rules, and with ours. */
  function checksOf(rules: string): readonly string[] {
    const { exitCode, stderr } = machine.exec(['nft', '-f', '-'], `flush ruleset\n${rulesetScript()}${rules}\n`);
    assert.equal(exitCode, 0, stderr);
    return nftChecks(JSON.parse(machine.exec(['nft', '-j', 'list', 'ruleset']).stdout)).map(
      ({ found, fix }) => `${found.replace(/ drops .*/, '')}: ${fix}`,
    );
  }

  test('none is fine', () => {
    assert.deepEqual(checksOf(''), []);
  });

  test('the policy that Docker sets, and how its own chain is told to let ours pass', () => {
    const [line = '', ...others] = checksOf(DOCKER);
    assert.equal(
      line,
      'chain FORWARD of nft table ip filter: iptables -I DOCKER-USER -i ts-+ -j ACCEPT && iptables -I DOCKER-USER -o ts-+ -j ACCEPT',
    );
    assert.deepEqual(others, []);
  });

  test('a last rule that rejects, a policy for what comes in; not what the host itself sends', () => {
    assert.deepEqual(checksOf(FIREWALLD), [
      `chain filter_FORWARD of nft table inet firewalld: nft insert rule inet firewalld filter_FORWARD iifname '"ts-*"' accept && nft insert rule inet firewalld filter_FORWARD oifname '"ts-*"' accept`,
      `chain filter_INPUT of nft table inet firewalld: nft insert rule inet firewalld filter_INPUT iifname '"ts-*"' accept`,
    ]);
  });

  test('what is told to do helps', () => {
    for (const [rules, fix] of [
      [FIREWALLD, `nft insert rule inet firewalld filter_FORWARD iifname '"ts-*"' accept`],
      [DOCKER, `nft add rule ip filter DOCKER-USER iifname '"ts-*"' accept`],
    ] as const) {
      const before = checksOf(rules).length;
      machine.exec(['sh', '-c', fix]);
      const now = nftChecks(JSON.parse(machine.exec(['nft', '-j', 'list', 'ruleset']).stdout));
      assert.equal(now.length, before - 1, fix);
    }
  });

  test('iptables-legacy, which nft does not show', () => {
    const rules = '-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT DROP\n-A FORWARD -i docker0 -j ACCEPT\n';
    assert.deepEqual(
      legacyChecks(rules).map(({ fix }) => fix),
      ['iptables-legacy -I FORWARD -i ts-+ -j ACCEPT && iptables-legacy -I FORWARD -o ts-+ -j ACCEPT'],
    );
    assert.deepEqual(legacyChecks(`${rules}-A FORWARD -i ts-+ -j ACCEPT\n`), []);
    assert.deepEqual(legacyChecks(''), []);
  });

  test('this machine is asked', () => {
    assert.ok(firewallChecks().length > 0);
  });
});
