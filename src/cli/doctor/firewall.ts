import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { DoctorCheck } from './check.ts';

/** Our bridges and interfaces begin with it; `accept` of our own table can't overrule a `drop` of another. */
const OURS = 'ts-';

/** What becomes of packets of containers in other people's chains. */
const HOOKS: Readonly<Record<string, string>> = {
  forward: 'what containers send to the world, and what the world sends to published ports',
  input: 'what containers ask of this machine: names (port 53), and what host-gateway gives them',
};

/** Firewalls of others, in nftables and in the older iptables, that drop what is ours; none: one check that says so. */
export function firewallChecks(): DoctorCheck[] {
  const rules = output(['nft', '-j', 'list', 'ruleset']);
  if (rules === undefined) return [];
  const found = [...nftChecks(JSON.parse(rules)), ...legacyChecks(legacyRules())];
  return found.length > 0 ? found : [{ name: 'firewall', status: 'ok', found: 'no rules of others drop our packets' }];
}

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
  readonly rules: readonly (readonly Readonly<Record<string, unknown>>[])[];
}

/** Pure: `ruleset` is what `nft -j list ruleset` prints. */
export function nftChecks(ruleset: unknown): DoctorCheck[] {
  const chains = readChains(ruleset);
  return chains.flatMap((chain): DoctorCheck[] => {
    const what = HOOKS[chain.hook ?? ''];
    if (what === undefined || chain.table === 'tsstack' || !['ip', 'inet', 'ip6'].includes(chain.family)) return [];
    if (!dropsTheRest(chain) || acceptsOurs(chain, chains, new Set())) return [];
    const place = `chain ${chain.name} of nft table ${chain.family} ${chain.table}`;
    return [{ name: 'firewall', status: 'warning', found: `${place} drops ${what}`, fix: nftFix(chain, chains) }];
  });
}

/** Pure: `rules` is what `iptables-legacy -S` prints; empty where it has none. */
export function legacyChecks(rules: string): DoctorCheck[] {
  return Object.entries(HOOKS).flatMap(([hook, what]): DoctorCheck[] => {
    const chain = hook.toUpperCase();
    const drops = new RegExp(`^(-P ${chain} DROP|-A ${chain} -j (DROP|REJECT).*)$`, 'm').test(rules);
    if (!drops || new RegExp(`^-A .*\\b${OURS}\\+.* -j ACCEPT`, 'm').test(rules)) return [];
    const found = `chain ${chain} of iptables-legacy drops ${what}`;
    return [{ name: 'firewall', status: 'warning', found, fix: iptablesFix('iptables-legacy', chain, hook) }];
  });
}

/** By its policy, or by a last rule that asks for nothing. */
function dropsTheRest({ policy, rules }: Chain): boolean {
  const last = rules.at(-1)?.filter((expression) => !('counter' in expression)) ?? [];
  return policy === 'drop' || (last.length === 1 && last.some((verdict) => 'drop' in verdict || 'reject' in verdict));
}

/** A rule of the chain, or of one that it leads to, that names our interfaces and accepts. */
function acceptsOurs(chain: Chain, chains: readonly Chain[], seen: Set<Chain>): boolean {
  if (seen.has(chain)) return false;
  seen.add(chain);
  return chain.rules.some((rule) => {
    if (rule.some((each) => 'accept' in each) && JSON.stringify(rule).includes(`"${OURS}`)) return true;
    return rule.some((each) => {
      const target = verdictTarget(each);
      const next = chains.find(({ family, table, name }) => {
        return family === chain.family && table === chain.table && name === target;
      });
      return next !== undefined && acceptsOurs(next, chains, seen);
    });
  });
}

function verdictTarget(expression: Readonly<Record<string, unknown>>): unknown {
  const jump = expression['jump'] ?? expression['goto'];
  return isRecord(jump) ? jump['target'] : undefined;
}

function nftFix({ family, table, name, hook = '' }: Chain, chains: readonly Chain[]): string {
  if (family !== 'inet' && table === 'filter' && name === hook.toUpperCase()) {
    const forDocker = hook === 'forward' && chains.some((each) => each.table === table && each.name === 'DOCKER-USER');
    return iptablesFix(family === 'ip' ? 'iptables' : 'ip6tables', forDocker ? 'DOCKER-USER' : name, hook);
  }
  return directions(hook)
    .map((direction) => `nft insert rule ${family} ${table} ${name} ${direction}ifname '"${OURS}*"' accept`)
    .join(' && ');
}

function iptablesFix(tool: string, chain: string, hook: string): string {
  return directions(hook)
    .map((direction) => `${tool} -I ${chain} -${direction} ${OURS}+ -j ACCEPT`)
    .join(' && ');
}

function directions(hook: string): readonly string[] {
  return hook === 'forward' ? ['i', 'o'] : ['i'];
}

function readChains(ruleset: unknown): readonly Chain[] {
  const entries = isRecord(ruleset) && Array.isArray(ruleset['nftables']) ? ruleset['nftables'].filter(isRecord) : [];
  const rules = entries.flatMap(({ rule }) => (isRecord(rule) ? [rule] : []));
  return entries.flatMap(({ chain }) => {
    if (!isRecord(chain)) return [];
    const own = rules.filter((rule) => {
      return rule['family'] === chain['family'] && rule['table'] === chain['table'] && rule['chain'] === chain['name'];
    });
    const { family, table, name, hook, policy } = chain;
    return {
      family: String(family),
      table: String(table),
      name: String(name),
      ...(typeof hook === 'string' && { hook }),
      ...(typeof policy === 'string' && { policy }),
      rules: own.map(({ expr }) => (Array.isArray(expr) ? expr.filter(isRecord) : [])),
    };
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Asking for the rules would load the modules of tables that nobody has. */
function legacyRules(): string {
  try {
    if (!/^filter$/m.test(readFileSync('/proc/net/ip_tables_names', 'utf8'))) return '';
  } catch {
    return '';
  }
  return output(['iptables-legacy', '-S']) ?? '';
}

/** undefined when the program is not there or may not. */
function output([command = '', ...args]: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
  return status === 0 ? stdout : undefined;
}
