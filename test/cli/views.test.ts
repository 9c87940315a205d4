import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProgressTracker } from '../../src/cli/progress.ts';
import { PLAIN } from '../../src/cli/style.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { formatAge } from '../../src/cli/views/format.ts';
import { PlainProgress } from '../../src/cli/views/progress-plain.ts';
import { portText, renderContainers, statusText } from '../../src/cli/views/ps.ts';
import type { ContainerSummary } from '../../src/daemon/api.ts';
import { formatBytes } from '../../src/lib/format-bytes.ts';
import { table } from '../../src/lib/table.ts';
import { containerAddress, networkAddress } from '../../src/model/address.ts';
import type { Plan } from '../../src/model/plan.ts';

const NOW = 1_800_000_000_000;

const CONTAINER: ContainerSummary = {
  stack: 'demo',
  service: 'web',
  index: 1,
  name: 'demo-web-1',
  image: 'oci:app',
  command: 'nginx -g "daemon off;" -c /etc/nginx.conf',
  status: 'running',
  health: 'none',
  oomKilled: false,
  stoppedByUser: false,
  restarts: 0,
  createdAtMs: NOW - 65_000,
  startedAtMs: NOW - 5_000,
  ports: [{ protocol: 'tcp', hostPort: 8080, containerPort: 80 }],
  networks: [],
  logPath: '/log',
};

const status = (change: Partial<ContainerSummary>): string => statusText({ ...CONTAINER, ...change }, NOW);

describe('statusText()', () => {
  it('tells of networks that are shaped or cut', () => {
    assert.match(status({ shaped: true }), /^Up .*, shaped$/);
    assert.match(status({ shaped: true, cut: true, detail: 'x' }), /, shaped, cut off, x$/);
  });

  it('says how long a container has been up, and how it is', () => {
    assert.equal(status({}), 'Up 5 seconds');
    assert.equal(status({ health: 'healthy' }), 'Up 5 seconds (healthy)');
    assert.equal(status({ health: 'starting' }), 'Up 5 seconds (health: starting)');
    assert.equal(status({ health: 'unhealthy' }), 'Up 5 seconds (unhealthy)');
    assert.equal(status({ status: 'paused' }), 'Up 5 seconds (Paused)');
    assert.equal(status({ restarts: 1 }), 'Up 5 seconds, restarted once');
    assert.equal(status({ restarts: 3, health: 'healthy' }), 'Up 5 seconds, restarted 3 times (healthy)');
  });

  it('says how a container ended', () => {
    const finishedAtMs = NOW - 3000;
    assert.equal(status({ status: 'exited', exitCode: 0, finishedAtMs }), 'Exited (0) 3 seconds ago');
    assert.equal(
      status({ status: 'exited', exitCode: 137, oomKilled: true, finishedAtMs }),
      'Exited (137) OOM killed 3 seconds ago',
    );
    assert.equal(status({ status: 'restarting', exitCode: 1, finishedAtMs }), 'Restarting (1) 3 seconds ago');
    assert.equal(status({ status: 'exited', finishedAtMs }), 'Exited (?) 3 seconds ago');
  });

  it('says what a container waits for', () => {
    assert.equal(
      status({ status: 'created', detail: 'waiting for db to be healthy' }),
      'Created, waiting for db to be healthy',
    );
  });
});

describe('renderContainers()', () => {
  it("has Compose's columns", () => {
    assert.equal(
      renderContainers([CONTAINER], NOW),
      [
        'NAME         IMAGE     COMMAND                        SERVICE   CREATED                  STATUS         PORTS',
        'demo-web-1   oci:app   "nginx -g \\"daemon off;\\" …"   web       About a minute ago   Up 5 seconds   0.0.0.0:8080->80/tcp',
        '',
      ]
        .join('\n')
        .replace('CREATED                  ', 'CREATED              '),
    );
  });

  it('has columns for usage where one container told it', () => {
    const limits = { memoryBytes: 64 * 2 ** 20 };
    const usage = {
      cpuUsec: 1_500_000,
      memoryBytes: 3 * 2 ** 20,
      pids: 2,
      ioReadBytes: 0,
      ioWriteBytes: 0,
      oomKills: 0,
    };
    const text = renderContainers([{ ...CONTAINER, usage: { ...usage, limits } }, CONTAINER], NOW);
    assert.match(text, /STATUS +CPU +MEM +PORTS\n/);
    assert.match(text, /Up 5 seconds +1\.50s +3 MiB \/ 64 MiB +0\.0/);
  });
});

describe('portText()', () => {
  it('puts IPv6 addresses into brackets', () => {
    assert.equal(portText({ protocol: 'udp', hostIp: '::1', hostPort: 53, containerPort: 5353 }), '[::1]:53->5353/udp');
  });
});

describe('table()', () => {
  it('aligns by characters, and leaves no blanks at the end of lines', () => {
    assert.equal(
      table(
        ['A', 'B', 'C'],
        [
          ['größe', 'x', ''],
          ['→', '', 'y'],
        ],
      ),
      'A       B   C\ngröße   x\n→           y\n',
    );
  });
});

describe('format', () => {
  it('shows bytes in binary units', () => {
    assert.deepEqual([0, 1023, 1024, 1.5 * 2 ** 30, 2 ** 63].map(formatBytes), [
      '0 B',
      '1023 B',
      '1 KiB',
      '1.5 GiB',
      '8192 PiB',
    ]);
  });

  it('shows ages in words', () => {
    const second = 1000;
    const hour = 3600 * second;
    const ages = [-5, 999, second, 59 * second, 60 * second, 59 * 60 * second, hour, 47 * hour, 48 * hour, 336 * hour];
    assert.deepEqual(ages.map(formatAge), [
      'Less than a second',
      'Less than a second',
      '1 second',
      '59 seconds',
      'About a minute',
      '59 minutes',
      'About an hour',
      '47 hours',
      '2 days',
      '2 weeks',
    ]);
  });
});

const WEB = containerAddress('web', 1);

const PLAN: Plan = {
  stack: 'demo',
  changes: [
    {
      address: networkAddress('back'),
      action: 'create',
      cause: 'not there yet',
      fields: [{ field: 'subnet4', after: '10.1.0.0/24', forcesReplacement: false }],
    },
    {
      address: WEB,
      action: 'replace',
      cause: 'image changed',
      fields: [
        { field: 'image.id', before: 'a', after: 'b', forcesReplacement: true },
        { field: 'resources.memoryBytes', before: 2 ** 26, after: 2 ** 27, forcesReplacement: false },
        { field: 'env.DB_PASSWORD', before: 'hunter2', after: 'hunter3', forcesReplacement: true },
        { field: 'env', after: { API_TOKEN: 'hunter4', PORT: '80' }, forcesReplacement: false },
        { field: 'user', before: 'x', forcesReplacement: false },
      ],
    },
  ],
  steps: [
    {
      id: 'start',
      type: 'stop-container',
      address: WEB,
      cause: '',
      dependsOn: [],
      timeoutMs: 0,
      // Views look at addresses and types of steps only.
      spec: {} as never,
    },
  ],
  conflicts: [{ address: WEB, message: 'port 80 is taken', hint: 'choose another' }],
  warnings: ['x is not done yet'],
  orphans: ['demo-old-1'],
};

describe('PlainProgress', () => {
  it('prints a line for what is done, waited for, failed and undone', () => {
    let text = '';
    const terminal: Terminal = {
      isTerminal: false,
      columns: 80,
      rows: 24,
      style: PLAIN,
      write: (more) => {
        text += more;
      },
    };
    const view = new PlainProgress(terminal);
    view.show({ type: 'plan', plan: PLAN });
    view.show({ type: 'step-started', step: 'start', stepType: 'stop-container', address: WEB });
    view.show({ type: 'step-waiting', step: 'start', for: 'db to be healthy' });
    view.show({ type: 'step-done', step: 'start', durationMs: 120 });
    view.show({ type: 'step-failed', step: 'start', error: { code: 'timeout', message: 'too slow\nargv' } });
    view.show({ type: 'rolling-back', steps: 1 });
    assert.equal(
      text,
      `… service.web[1] waits for db to be healthy
✔ service.web[1] stopped 0.12s
✖ service.web[1] stopping failed: too slow
↩ undoing 1 step
`,
    );
  });
});

describe('ProgressTracker', () => {
  it('calls a resource done with the last of its steps', () => {
    const tracker = new ProgressTracker();
    const [step] = PLAN.steps;
    assert.ok(step !== undefined);
    tracker.addPlan({ ...PLAN, steps: [step, { ...step, id: 'second' }] });
    assert.equal(tracker.follow({ type: 'step-done', step: 'start', durationMs: 1 })?.state, 'step-done');
    assert.equal(tracker.follow({ type: 'step-done', step: 'second', durationMs: 1 })?.state, 'done');
  });

  it('knows steps that were not in the plan from their start: those of a rollback', () => {
    const tracker = new ProgressTracker();
    const started = { type: 'step-started', step: 'undo', stepType: 'remove-container', address: WEB } as const;
    assert.equal(tracker.follow(started)?.text, 'removing');
    assert.equal(tracker.follow({ type: 'step-done', step: 'undo', durationMs: 1 })?.text, 'removed');
    assert.equal(tracker.follow({ type: 'step-done', step: 'unheard of', durationMs: 1 }), undefined);
  });
});
