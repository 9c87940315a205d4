import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  checkAppArmor,
  checkCapabilities,
  checkCgroups,
  checkKernel,
  checkNamePort,
} from '../../src/cli/doctor/checks.ts';
import { checkFeature } from '../../src/cli/doctor/kernel-config.ts';
import { findResidue } from '../../src/cli/residue.ts';

describe('checkKernel()', () => {
  it('needs 5.12, compared as numbers', () => {
    const statuses = ['5.4.0-1-amd64', '5.11.99', '5.12.0-rc1', '5.100', '6.1.0-30-amd64', '4.19'].map(
      (version) => checkKernel(version).status,
    );
    assert.deepEqual(statuses, ['missing', 'missing', 'ok', 'ok', 'ok', 'missing']);
  });
});

describe('checkCgroups()', () => {
  const legacy = (...controllers: string[]): string =>
    controllers.map((name) => `33 31 0:30 / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}`).join('\n');

  it('finds the controllers of version 1, several on one mount too', () => {
    const text = legacy('cpu,cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids');
    const check = checkCgroups(text, '');
    assert.equal(check.status, 'ok');
    assert.equal(check.found, 'version 1: cpu, memory, pids, cpuset, blkio, devices, freezer');
  });

  it('finds the controllers of version 2', () => {
    assert.deepEqual(checkCgroups('', 'cpuset cpu io memory hugetlb pids rdma\n'), {
      name: 'cgroups',
      status: 'ok',
      found: 'version 2: cpu, memory, pids, cpuset, io',
    });
  });

  it('names what is lacking and how to get it', () => {
    assert.deepEqual(checkCgroups('', 'cpu memory pids io'), {
      name: 'cgroups',
      status: 'warning',
      found: 'version 2: cpu, memory, pids, io; without cpuset',
      fix: 'echo +cpuset > /sys/fs/cgroup/cgroup.subtree_control',
    });
    assert.equal(checkCgroups('', '').status, 'missing');
  });
});

describe('checkCapabilities()', () => {
  it('names those that are not effective', () => {
    assert.equal(checkCapabilities('CapPrm:\t0\nCapEff:\t000001ffffffffff\n').status, 'ok');
    // What Docker gives a container: neither CAP_NET_ADMIN nor CAP_SYS_ADMIN.
    assert.equal(checkCapabilities('CapEff:\t00000000a80425fb\n').found, 'without CAP_NET_ADMIN, CAP_SYS_ADMIN');
  });
});

describe('checkAppArmor()', () => {
  const there = { enabled: 'Y\n', securityfs: true, parser: '/usr/sbin/apparmor_parser' };

  it('says which profile containers get, or why none and what to do', () => {
    assert.deepEqual(checkAppArmor({ ...there, enabled: '' }), []);
    assert.deepEqual(checkAppArmor({ ...there, enabled: 'N\n' }), []);
    const name = 'AppArmor';
    assert.deepEqual(checkAppArmor(there), [
      { name, status: 'ok', found: 'containers get the profile tsstack-default' },
    ]);
    const [unmounted, unparsed] = [{ securityfs: false }, { parser: undefined }].map(
      (lacking) => checkAppArmor({ ...there, ...lacking })[0],
    );
    assert.deepEqual([unmounted?.status, unparsed?.status], ['warning', 'warning']);
    assert.match(unmounted?.fix ?? '', /^mount -t securityfs/);
    assert.match(unparsed?.fix ?? '', /apparmor$/);
  });
});

describe('checkNamePort()', () => {
  const line = (local: string): string => `udp UNCONN 0 0 ${local}  0.0.0.0:*  users:(("dnsmasq",pid=12,fd=5))\n`;

  it('names who has port 53 of every address', () => {
    for (const local of ['0.0.0.0:53', '*:53', '[::]:53']) {
      const { status, found } = checkNamePort(line('127.0.0.1:22') + line(local));
      assert.equal(status, 'warning', local);
      assert.match(found, /^dnsmasq \(pid 12\) has it/);
    }
  });

  it('leaves those alone that have it of one address', () => {
    for (const local of ['127.0.0.53%lo:53', '10.64.0.1:53', '0.0.0.0:5353', '[::1]:53']) {
      assert.equal(checkNamePort(line(local)).status, 'ok', local);
    }
  });
});

describe('checkFeature()', () => {
  const feature = { name: 'x', symbol: 'TSSTACK_TEST', module: 'tsstack_test' };

  it('tells built in, module, not built, and unknown apart', () => {
    const status = (config: string | undefined) => checkFeature(feature, config).status;
    assert.equal(status('CONFIG_A=y\nCONFIG_TSSTACK_TEST=y\n'), 'ok');
    assert.equal(status('CONFIG_TSSTACK_TEST=m\n'), 'warning');
    assert.equal(status('# CONFIG_TSSTACK_TEST is not set\nCONFIG_TSSTACK_TEST_2=y\n'), 'missing');
    assert.equal(status(undefined), 'warning');
    assert.equal(checkFeature(feature, 'CONFIG_TSSTACK_TEST=m\n').fix, 'modprobe tsstack_test');
  });
});

describe('findResidue()', () => {
  it('finds files and processes below our directories, and nothing else of the machine', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tsstack-residue-'));
    const paths = { state: join(directory, 'state'), run: join(directory, 'run') };
    const ours = () => findResidue(paths).filter(({ what }) => what.includes(directory));
    const script = join(paths.run, 'launch.sh');
    try {
      assert.deepEqual(ours(), []);
      mkdirSync(join(paths.state, 'stacks'), { recursive: true });
      mkdirSync(paths.run);
      writeFileSync(script, 'echo started; read line');
      const child = spawn('sh', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      assert.deepEqual(ours(), [
        { kind: 'process', what: `${child.pid} sh ${script}` },
        { kind: 'file', what: `${paths.state}/stacks/` },
        { kind: 'file', what: script },
      ]);
      child.stdin.end();
      await once(child, 'exit');
      rmSync(script);
      assert.deepEqual(
        ours().map(({ what }) => what),
        [`${paths.state}/stacks/`, `${paths.run}/`],
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
