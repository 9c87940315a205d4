import type { ScalarNode } from './node.ts';

export type Cast = 'boolean' | 'integer' | 'number' | 'text' | 'octal';

/** Types by path; `*` is any key or list item. */
export interface CastTree {
  readonly [key: string]: CastTree | Cast;
}

const textMap: CastTree = { '*': 'text' };
const update: CastTree = { parallelism: 'integer', max_failure_ratio: 'number' };
const hook: CastTree = { privileged: 'boolean', per_replica: 'boolean', environment: textMap };
const file: CastTree = { mode: 'octal' };
const resource: CastTree = { external: 'boolean', labels: textMap, driver_opts: textMap };
const limits: CastTree = { '*': { '*': 'integer' } };

const service: CastTree = {
  annotations: textMap,
  attach: 'boolean',
  build: {
    args: textMap,
    labels: textMap,
    no_cache: 'boolean',
    pull: 'boolean',
    privileged: 'boolean',
    provenance: 'text',
    sbom: 'text',
    ulimits: limits,
    secrets: { '*': file },
  },
  blkio_config: { weight: 'integer', weight_device: { '*': { weight: 'integer' } } },
  configs: { '*': file },
  secrets: { '*': file },
  cpu_count: 'integer',
  cpu_percent: 'number',
  cpu_period: 'integer',
  cpu_quota: 'integer',
  cpu_rt_period: 'integer',
  cpu_rt_runtime: 'integer',
  cpus: 'number',
  cpu_shares: 'integer',
  depends_on: { '*': { required: 'boolean', restart: 'boolean' } },
  deploy: {
    replicas: 'integer',
    labels: textMap,
    update_config: update,
    rollback_config: update,
    restart_policy: { max_attempts: 'integer' },
    placement: { max_replicas_per_node: 'integer' },
    resources: { limits: { pids: 'integer' } },
  },
  env_file: { '*': { required: 'boolean' } },
  environment: textMap,
  healthcheck: { retries: 'integer', disable: 'boolean' },
  init: 'boolean',
  labels: textMap,
  logging: { options: textMap },
  networks: { '*': { driver_opts: textMap, priority: 'integer', gw_priority: 'integer' } },
  oom_kill_disable: 'boolean',
  oom_score_adj: 'integer',
  pids_limit: 'integer',
  ports: { '*': { target: 'integer' } },
  privileged: 'boolean',
  pre_start: { '*': hook },
  post_start: { '*': hook },
  pre_stop: { '*': hook },
  read_only: 'boolean',
  scale: 'integer',
  stdin_open: 'boolean',
  storage_opt: textMap,
  sysctls: textMap,
  tty: 'boolean',
  ulimits: limits,
  volumes: {
    '*': {
      read_only: 'boolean',
      bind: { create_host_path: 'boolean' },
      volume: { nocopy: 'boolean' },
      tmpfs: { mode: 'octal' },
    },
  },
  'x-ready': { retries: 'integer' },
  'x-time-namespace': 'boolean',
};

/** What the strings of a stack file become once their variables are filled in. */
export const casts: CastTree = {
  'x-pinned-images': 'boolean',
  services: { '*': service },
  networks: {
    '*': { ...resource, internal: 'boolean', attachable: 'boolean', enable_ipv4: 'boolean', enable_ipv6: 'boolean' },
  },
  volumes: { '*': resource },
  configs: { '*': resource },
  secrets: { '*': resource },
};

/** Casts one step down; ulimits take `nofile: 1024` and `nofile: {soft, hard}` alike. */
export function stepCast(tree: CastTree | Cast | undefined, key: string): CastTree | Cast | undefined {
  if (typeof tree !== 'object') return undefined;
  return Object.hasOwn(tree, key) ? tree[key] : tree['*'];
}

/** The typed value of a scalar, or undefined when its text is none of that type. */
export function castScalar(cast: Cast, node: ScalarNode): ScalarNode['value'] | undefined {
  const { value } = node;
  if (value === null) return null;
  if (cast === 'text') return typeof value === 'string' ? value : numberText(node);
  if (cast === 'octal') return /^0[0-7]+$/.test(node.text) ? Number.parseInt(node.text, 8) : value;
  if (typeof value === 'number' && !Number.isFinite(value)) return undefined;
  if (typeof value !== 'string') return value;
  if (cast === 'boolean') return booleans[value.toLowerCase()];
  if (cast === 'integer') return /^[+-]?\d{1,19}$/.test(value) ? Number(value) : undefined;
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) ? Number(value) : undefined;
}

/** Text as written, but for the many ways YAML has to write a boolean or null. */
function numberText(node: ScalarNode): string {
  return typeof node.value === 'boolean' ? String(node.value) : node.text;
}

const booleans: Readonly<Record<string, boolean>> = Object.assign(Object.create(null), {
  true: true,
  yes: true,
  y: true,
  on: true,
  false: false,
  no: false,
  n: false,
  off: false,
});
