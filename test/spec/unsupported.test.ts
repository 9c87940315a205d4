import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import { InvalidStackError } from '../../src/model/error.ts';
import { unsupportedKeys } from '../../src/spec/normalize/unsupported-keys.ts';
import { loadText } from './load-text.ts';

interface Case {
  /** Flow mapping of the service `a`. */
  readonly service?: string;
  /** Below `services:`, at the top level. */
  readonly rest?: string;
  /** Each warning's message begins with this; the key that it names is the one that is marked. */
  readonly warns: readonly string[];
}

const service = (body: string, ...warns: readonly string[]): Case => ({ service: `{${body}}`, warns });
const top = (rest: string, ...warns: readonly string[]): Case => ({ rest, warns });

const later = 'tsstack does not do this yet';
const windows = 'is for Windows containers and has no meaning on Linux';
const swarm = 'is for a cluster of machines (Swarm) and has no meaning on one machine';

const concerned: readonly Case[] = [
  service('annotations: {a: b}', `services.a.annotations: ${later}`),
  service('build: .'),
  service('build: ., image: x, pull_policy: build'),
  service('build: ., x-rootfs: /r', 'services.a.build: the service does not run what is built: x-rootfs is used'),
  service('build: ., image: "oci:x"', 'services.a.build: the service does not run what is built: the image on disk is'),
  service(
    'build: {cache_from: [a/b, "type=registry,ref=a/b", "type=gha"], cache_to: ["type=inline"]}',
    'services.a.build.cache_from[2]: "type=gha" is not done yet',
    `services.a.build.cache_to: ${later}`,
  ),
  service('build: {entitlements: [network.host, device]}', 'services.a.build.entitlements[1]: "device" is not done'),
  service('build: {isolation: hyperv}', `services.a.build.isolation ${windows}`),
  service('build: {network: front}', 'services.a.build.network: the value "front" is not done yet: "default" is used'),
  service('build: {no_cache_filter: test}', `services.a.build.no_cache_filter: ${later}`),
  service(
    'build: {provenance: mode=max, sbom: true}',
    `services.a.build.provenance: ${later}`,
    `services.a.build.sbom: ${later}`,
  ),
  service('build: {provenance: false, sbom: "false", network: none}'),
  {
    ...service(
      'build: {secrets: [{source: s, target: t, uid: "1", gid: "2", mode: 0400, x-on-change: restart}]}',
      `services.a.build.secrets[0].uid: ${later}`,
      `services.a.build.secrets[0].gid: ${later}`,
      `services.a.build.secrets[0].mode: ${later}`,
      `services.a.build.secrets[0].x-on-change: ${later}`,
    ),
    rest: 'secrets: {s: {file: /x}}',
  },
  service('cgroup_parent: p', 'services.a.cgroup_parent: cgroups are below tsstack'),
  service('cpu_count: 2', `services.a.cpu_count ${windows}`),
  service('cpu_percent: 20', `services.a.cpu_percent ${windows}`),
  service('cpu_rt_period: 1000', 'services.a.cpu_rt_period: real-time time is not given out'),
  service('cpu_rt_runtime: 1000', 'services.a.cpu_rt_runtime: real-time time is not given out'),
  service('credential_spec: {file: x}', `services.a.credential_spec ${windows}`),
  service('isolation: hyperv', `services.a.isolation ${windows}`),
  service('deploy: {mode: global}', 'services.a.deploy.mode: the value "global" is not done yet'),
  service('deploy: {endpoint_mode: vip}', `services.a.deploy.endpoint_mode ${swarm}`),
  service('deploy: {labels: {a: b}}', `services.a.deploy.labels ${swarm}`),
  service('deploy: {placement: {constraints: [a==b]}}', `services.a.deploy.placement ${swarm}`),
  service(
    'deploy: {update_config: {failure_action: stop}}',
    'services.a.deploy.update_config.failure_action: there is',
  ),
  service('deploy: {rollback_config: {parallelism: 2}}', 'services.a.deploy.rollback_config: it says how to go back'),
  service(
    'deploy: {update_config: {order: start-first, delay: 1s}, rollback_config: {failure_action: rollback}}',
    'services.a.deploy.rollback_config.failure_action: there is no action "rollback"',
  ),
  service(
    'deploy: {resources: {reservations: {cpus: "1"}}}',
    `services.a.deploy.resources.reservations.cpus: ${later}`,
  ),
  service(
    'deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}',
    `services.a.deploy.resources.reservations.devices: ${later}`,
  ),
  service(
    'deploy: {resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: k, value: 1}}]}}}',
    `services.a.deploy.resources.reservations.generic_resources ${swarm}`,
  ),
  service('develop: {watch: [{path: ., action: rebuild}]}'),
  service(
    'develop: {watch: [{path: x, action: sync, target: /x}, {path: ., action: sync+exec, target: /x, exec: {command: x}}]}',
    'services.a.develop.watch[1].action: the value "sync+exec" is not done yet',
  ),
  service(
    'develop: {watch: [{path: ., action: sync, target: /x, initial_sync: true}]}',
    `services.a.develop.watch[0].initial_sync: ${later}`,
  ),
  service('devices: ["/dev/fuse", "vendor.com/gpu=0"]', 'services.a.devices[1]: "vendor.com/gpu=0" is no path'),
  service('external_links: [x]', `services.a.external_links: ${later}`),
  service('gpus: all', 'services.a.gpus: no driver of GPUs is asked'),
  service('links: ["b:db"]', 'services.a.links: other names for a service are not done yet'),
  service(
    'logging: {driver: journald, options: {tag: x}}',
    'services.a.logging.driver: the value "journald" is not done yet: all output is kept in a file',
    `services.a.logging.options.tag: ${later}`,
  ),
  { ...service('models: [m]', `services.a.models: ${later}`), rest: 'models: {m: {model: x}}' },
  {
    ...service(
      'networks: {n: {driver_opts: {a: b, com.docker.network.endpoint.ifname: x0}, link_local_ips: [169.254.1.1]}}',
      `services.a.networks.n.driver_opts.a: ${later}`,
    ),
    rest: 'networks: {n: {}}',
  },
  service('platform: linux/arm64'),
  service('provider: {type: x, options: {y: 1}}', `services.a.provider: ${later}`),
  service('pull_policy: refresh'),
  service(
    'security_opt: ["no-new-privileges:true", "writable-cgroups=true"]',
    'services.a.security_opt[1]: "writable-cgroups=true" is not done yet',
  ),
  service('storage_opt: {size: 1G}', 'services.a.storage_opt: the size of the writable layer cannot be limited'),
  service('use_api_socket: true', `services.a.use_api_socket: ${later}`),
  service('userns_mode: keep-id', 'services.a.userns_mode: the value "keep-id" is not done yet: "host" is used'),
  service('volumes: ["./x:/x", "./y:/y:z"]', 'services.a.volumes[1].bind.selinux: labels of SELinux are not done yet'),
  service(
    'volumes: [{type: bind, source: ., target: /x, bind: {recursive: writable}, consistency: cached}]',
    'services.a.volumes[0].bind.recursive: the value "writable" is not done yet',
    'services.a.volumes[0].consistency is for file sharing with a virtual machine on macOS',
  ),
  service('volumes: [{type: npipe, source: x, target: /x}]', `services.a.volumes[0].type: "npipe" ${windows}`),
  service('volumes: [{type: cluster, source: x, target: /x}]', `services.a.volumes[0].type: "cluster" ${swarm}`),
  service(
    'volumes: [{type: volume, target: /x, volume: {labels: {a: b}}}]',
    `services.a.volumes[0].volume.labels: ${later}`,
  ),
  service('volumes_from: [b]', `services.a.volumes_from: ${later}`),
  top('configs: {c: {content: x, labels: {a: b}}}', `configs.c.labels ${swarm}`),
  top('configs: {c: {content: x, template_driver: golang}}', `configs.c.template_driver ${swarm}`),
  top('secrets: {s: {file: /x, labels: {a: b}}}', `secrets.s.labels ${swarm}`),
  top('secrets: {s: {file: /x, template_driver: golang}}', `secrets.s.template_driver ${swarm}`),
  top('secrets: {s: {file: /x, driver: vault}}', `secrets.s.driver ${swarm}`),
  top('secrets: {s: {file: /x, driver_opts: {a: b}}}', `secrets.s.driver_opts ${swarm}`),
  top(
    'networks: {n: {driver_opts: {com.docker.network.driver.mtu: 1400, com.docker.network.bridge.inhibit_ipv4: "true"}}}',
    `networks.n.driver_opts.com.docker.network.bridge.inhibit_ipv4: ${later}`,
  ),
  top(
    'networks: {n: {ipam: {driver: x, options: {a: b}}}}',
    'networks.n.ipam.driver: the value "x" is not done yet: tsstack gives out the addresses itself',
    'networks.n.ipam.options: there is no ipam driver that takes options',
  ),
  top(
    'volumes: {v: {driver: nfs, driver_opts: {type: nfs, size: 1g}}}',
    'volumes.v.driver: the value "nfs" is not done yet',
    'volumes.v.driver_opts.size: the volume cannot be made: this option is not done yet',
  ),
];

/** Valid keys near those above that say nothing new, or that are done. */
const done: readonly Case[] = [
  service('attach: true'),
  service('attach: false'),
  service(
    'deploy: {mode: replicated, placement: {}, labels: [], restart_policy: {condition: on-failure, max_attempts: 3}}',
  ),
  service(
    'develop: {watch: [{path: x, action: sync+restart, target: /x, initial_sync: false}, {path: y, action: restart}]}',
  ),
  service(
    'devices: ["/dev/fuse:/dev/fuse:rw"], cgroup: private, ipc: none, pid: "service:b", uts: host, userns_mode: auto',
  ),
  top('volumes: {v: {driver: local, driver_opts: {type: none, device: /srv, o: bind}}}'),
  service('healthcheck: {interval: 5s}'),
  service('post_start: [{command: x}], pre_stop: [{command: x, user: a, privileged: true}]'),
  service('healthcheck: {disable: true}, links: [b, "b:b"], pull_policy: never, network_mode: "service:b"'),
  service(
    'healthcheck: {test: [NONE]}, network_mode: bridge, tty: true, oom_kill_disable: true, mem_limit: 9m, mem_swappiness: 9, isolation: default, pid: null',
  ),
  service('security_opt: ["no-new-privileges", "seccomp=unconfined", "seccomp:x.json"], annotations: {}, secrets: []'),
  service(
    'security_opt: ["apparmor=x", "apparmor:unconfined", "label=type:t", "label:disable", "systempaths=unconfined"]',
  ),
  service('volumes: ["./x:/x:ro,rshared", "/y", {type: bind, source: ., target: /z, bind: {recursive: readonly}}]'),
  top('networks: {n: {driver: ipvlan, driver_opts: {parent: eth0, ipvlan_mode: l3, ipvlan_flag: bridge}}}'),
  top('networks: {n: {driver: overlay, driver_opts: {com.tsstack.overlay.vni: 42}}}'),
  top('networks: {n: {attachable: true, driver_opts: {com.docker.network.bridge.name: b0}}}'),
  top(
    'networks: {n: {enable_ipv6: true, ipam: {config: [{subnet: "fd00:1::/64", ip_range: "fd00:1::/80", aux_addresses: {a: "fd00:1::9"}}]}}}',
  ),
  top('networks: {n: {attachable: false, driver_opts: {}, ipam: {driver: default}}, m: }'),
  top('networks: {n: {ipam: {config: [{subnet: 10.5.0.0/24, ip_range: 10.5.0.0/25, aux_addresses: {a: 10.5.0.9}}]}}}'),
  top('volumes: {v: {driver: local, labels: {a: b}}, w: }'),
];

for (const { service: body = '{}', rest = '', warns } of [...concerned, ...done]) {
  const what = `${body === '{}' ? '' : body} ${rest}`.trim();
  test(`${what} gives ${warns.length === 0 ? 'no warning' : `${warns.length}`}`, () => {
    const diagnostics = warningsOf(`services:\n  a: ${runnable(body)}\n  b: {command: x}\n${rest}\n`);
    const messages = diagnostics.map(({ message }) => message);
    assert.equal(messages.length, warns.length, messages.join('\n'));
    for (const [index, start] of warns.entries()) {
      assert.ok(messages[index]?.startsWith(start), `${messages[index]}\n${start}`);
      assert.ok(marked(diagnostics[index]).length > 0);
    }
  });
}

/** The service, with something to run. */
function runnable(body: string): string {
  return /^\{(?:.*, )?(?:image|build|provider): |^\{command/.test(body)
    ? body
    : body.replace('{', '{command: x, ').replace(', }', '}');
}

function warningsOf(text: string): readonly Diagnostic[] {
  return loadText(text).diagnostics.filter(({ code }) => code === 'unsupported.key' || code === 'refused.key');
}

/** The text under the caret. */
function marked(diagnostic: Diagnostic | undefined): string {
  const [, line = '', carets = ''] = /^> (.*)\n(.*\^.*)$/m.exec(diagnostic?.excerpt ?? '') ?? [];
  return line.slice(carets.indexOf('^') - 2, carets.lastIndexOf('^') - 1);
}

test('a warning marks the key, through a short form and an anchor too', () => {
  const text = `services:
  a:
    volumes: ["./x:/x", "./y:/y:z"]
    annotations: &more {x: y}
    command: x
  b: {command: x, deploy: {placement: {constraints: [x]}}}
`;
  assert.deepEqual(warningsOf(text).map(marked), ['"./y:/y:z"', 'annotations', 'placement']);
});

test('a service that a profile switches off is not warned about', () => {
  assert.deepEqual(loadText('services: {a: {profiles: [p], isolation: x}}').diagnostics, []);
});

test('every entry of the table is met by a case above', () => {
  const text = concerned.flatMap(({ warns }) => warns).join('\n');
  const missing = unsupportedKeys.filter(({ path }) => {
    const names = path.split('.').map((step) => (step === '*' ? '(\\w+|\\[\\d\\])' : step));
    const source = names.join('\\.').replaceAll('\\.(\\w+|\\[\\d\\])', '(\\.[\\w.]+|\\[\\d\\])');
    return !new RegExp(`^${source}[: ]`, 'm').test(text);
  });
  assert.deepEqual(
    missing.map(({ path }) => path),
    [],
  );
});

test('what is refused is shown by config, and nothing is made of it', () => {
  const { diagnostics, model } = loadText('services: {a: {image: i, credential_spec: {file: x}}}');
  assert.deepEqual(
    diagnostics.map(({ severity, code }) => [severity, code]),
    [['warning', 'refused.key']],
  );
  assert.ok(model['services']);
  assert.throws(
    () => loadText('services: {a: {image: i, credential_spec: {file: x}}}').stack,
    (error) => {
      assert.ok(error instanceof InvalidStackError);
      const [found] = error.diagnostics;
      assert.deepEqual([found?.severity, found?.position?.line, found?.hint], ['error', 1, 'take it out']);
      return true;
    },
  );
});
