import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { e2e, type Project } from '../helpers/e2e.ts';
import { until } from '../helpers/run.ts';

const PROGRAM = `trap 'cat /seen/* >>/tmp/told' HUP; cat /seen/* >/tmp/told; while :; do sleep 0.05; done`;
const WORDS = ['restart', 'signal:HUP', 'replace', 'ignore'] as const;
const KINDS = ['bind', 'config', 'secret'] as const;

/** A service for every kind of file and every word; each reads its file when it starts and at SIGHUP. */
function stack(): string {
  const services = KINDS.flatMap((kind) =>
    WORDS.map((word) => {
      const more = `x-on-change: "${word}"`;
      const file =
        kind === 'bind'
          ? `volumes: [{type: bind, source: ./dir, target: /seen, ${more}}]`
          : `${kind}s: [{source: it, target: /seen/it, ${more}}]`;
      return `  ${serviceOf(kind, word)}:\n    command: [bash, -c, ${JSON.stringify(PROGRAM).replaceAll('$', '$$$$')}]\n    ${file}\n`;
    }),
  );
  return `services:
${services.join('')}
  from-env: {command: [sleep, infinity], env_file: [one.env, two.env]}
  from-label: {command: [sleep, infinity], label_file: one.label}
configs: {it: {file: ./it}}
secrets: {it: {file: ./it}}
`;
}

function serviceOf(kind: string, word: string): string {
  return `${kind}-${word.split(':')[0]}`;
}

function write(project: Project, text: string): void {
  project.write(text, 'it');
  project.write(text, 'dir/it');
  project.write(`PORT=${text.trim()}\n`, 'two.env');
  project.write(`team=${text.trim()}\n`, 'one.label');
}

/** What the program read since it began. */
function told(project: Project, service: string, pid: number | undefined): string {
  assert.ok(pid !== undefined, `${service} of ${project.name} runs`);
  return readFileSync(`/proc/${pid}/root/tmp/told`, 'utf8').replaceAll('\n', ' ').trim();
}

e2e(
  'a changed file restarts, signals, replaces or does nothing, as x-on-change says, and the plan names it',
  async (project) => {
    mkdirSync(join(project.scratch, 'dir'));
    project.write('SAME=1\n', 'one.env');
    write(project, 'old\n');
    project.write(stack());
    await project.expect(0, 'up', '-d');
    await project.expect(0, 'plan', '--check');
    const byService = async () => new Map((await project.ps()).map((each) => [each.service, each]));
    const before = await byService();
    for (const kind of KINDS) {
      for (const word of WORDS) {
        const service = serviceOf(kind, word);
        await until(`${service} to read`, () => told(project, service, before.get(service)?.pid) === 'old');
      }
    }

    // Longer and then shorter: nothing of the old content stays behind.
    write(project, 'new!\n');
    const plan = await project.expect(3, 'plan', '--check');
    const symbols = { restart: '▶', 'signal:HUP': '~', replace: '±', ignore: undefined };
    const line = (service: string) => new RegExp(`^ *(\\S) service\\.${service}\\[1\\] +(.*)`, 'm').exec(plan);
    for (const kind of KINDS) {
      for (const word of WORDS) {
        const [, symbol, cause = ''] = line(serviceOf(kind, word)) ?? [];
        assert.equal(symbol, symbols[word], `${kind} ${word}\n${plan}`);
        if (symbol !== undefined)
          assert.ok(cause.includes(join(project.scratch, kind === 'bind' ? 'dir' : 'it')), cause);
      }
    }
    assert.ok(line('from-env')?.[2]?.includes(join(project.scratch, 'two.env')), plan);
    assert.equal(line('from-env')?.[1], '±');
    assert.ok(line('from-label')?.[2]?.includes(join(project.scratch, 'one.label')), plan);
    assert.equal(line('from-label')?.[1], '~');

    await project.expect(0, 'up', '-d');
    await project.expect(0, 'plan', '--check');
    const after = await byService();
    for (const kind of KINDS) {
      for (const word of WORDS) {
        const service = serviceOf(kind, word);
        const [old, now] = [before.get(service), after.get(service)];
        const same = word === 'signal:HUP' || word === 'ignore';
        assert.equal(old?.pid === now?.pid, same, `process of ${service}`);
        assert.equal(old?.createdAtMs === now?.createdAtMs, word !== 'replace', `container of ${service}`);
        const expected = word === 'signal:HUP' ? 'old new!' : word === 'ignore' ? 'old' : 'new!';
        await until(`${service} to have read "${expected}"`, () => told(project, service, now?.pid) === expected);
      }
    }

    write(project, 'x\n');
    await project.expect(0, 'up', '-d');
    const last = await byService();
    for (const kind of KINDS) {
      const service = serviceOf(kind, 'signal:HUP');
      await until(`${service} to read`, () => told(project, service, last.get(service)?.pid) === 'old new! x');
    }
    // A file that nobody asked about does nothing.
    appendFileSync(join(project.scratch, 'one.env'), '# a comment\n');
    await project.expect(0, 'plan', '--check');
  },
);
