import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import type { DoctorCheck } from './check.ts';

interface Feature {
  readonly name: string;
  /** Symbol in the kernel's configuration, without CONFIG_. */
  readonly symbol: string;
  /** Module that brings it where it is not built in. */
  readonly module: string;
  /** What cannot be done without it; absent: nothing can. */
  readonly without?: string;
}

const FEATURES: readonly Feature[] = [
  { name: 'overlay file system', symbol: 'OVERLAY_FS', module: 'overlay' },
  { name: 'bridge', symbol: 'BRIDGE', module: 'bridge' },
  { name: 'veth pairs', symbol: 'VETH', module: 'veth' },
  { name: 'nftables', symbol: 'NF_TABLES', module: 'nf_tables' },
  { name: 'nftables NAT', symbol: 'NFT_NAT', module: 'nft_nat' },
  { name: 'nftables masquerade', symbol: 'NFT_MASQ', module: 'nft_masq' },
  { name: 'connection tracking in nftables', symbol: 'NFT_CT', module: 'nft_ct' },
  { name: 'token bucket filter', symbol: 'NET_SCH_TBF', module: 'sch_tbf', without: 'x-shape has no rate' },
  { name: 'network emulator', symbol: 'NET_SCH_NETEM', module: 'sch_netem', without: 'x-shape has a rate only' },
  { name: 'intermediate device', symbol: 'IFB', module: 'ifb', without: 'x-shape is for what comes in only' },
];

/** What the running kernel was built with, as far as containers need it. */
export function kernelFeatureChecks(): DoctorCheck[] {
  const config = kernelConfig();
  return FEATURES.map((feature) => checkFeature(feature, config));
}

/** Pure: `config` is the text of a kernel configuration, undefined where there is none to read. */
export function checkFeature({ name, symbol, module, without }: Feature, config: string | undefined): DoctorCheck {
  const load = `modprobe ${module}`;
  if (existsSync(`/sys/module/${module}`)) return { name, status: 'ok', found: `module ${module} is there` };
  if (config === undefined) {
    return { name, status: 'warning', found: 'cannot tell: the kernel does not show its configuration', fix: load };
  }
  const setting = new RegExp(`^CONFIG_${symbol}=([ym])$`, 'm').exec(config)?.[1];
  if (setting === 'y') return { name, status: 'ok', found: 'built in' };
  if (setting === 'm') return { name, status: 'warning', found: `module ${module} is not loaded`, fix: load };
  return {
    name,
    status: without === undefined ? 'missing' : 'warning',
    found: `kernel built without CONFIG_${symbol}${without === undefined ? '' : `: ${without}`}`,
    fix: 'apt-get install -y linux-image-amd64',
  };
}

/** /proc/config.gz (CONFIG_IKCONFIG_PROC) or what the distribution put beside the kernel. */
function kernelConfig(): string | undefined {
  try {
    return gunzipSync(readFileSync('/proc/config.gz')).toString('latin1');
  } catch {
    try {
      return readFileSync(`/boot/config-${release()}`, 'latin1');
    } catch {
      return undefined;
    }
  }
}
