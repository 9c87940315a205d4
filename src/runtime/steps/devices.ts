import type { DeviceRule } from '../../model/device-rule.ts';
import { deviceFilter } from '../device-filter.ts';
import { AT_FDCWD, EBADF, EINVAL, ENOENT, O_RDONLY } from '../launcher/constants.ts';
import type { Program, Structure } from '../launcher/program.ts';

/** linux/bpf.h: commands, type of program, place of attachment. */
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_PROG_QUERY = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Bytes of `union bpf_attr` up to the fields that we set. */
const LOAD_SIZE = 48;
const ATTACH_SIZE = 16;
const QUERY_SIZE = 32;
const ID_SIZE = 4;
/** A descriptor that is not open. */
const NO_PROGRAM = 0x7fffffff;
/** No helper of the kernel is called, so any will do. */
const LICENSE = 'Apache-2.0';

/** Devices of a container on cgroup v2. */
export interface DeviceProgram {
  /** Directory of the cgroup. */
  readonly cgroup: string;
  readonly rules: readonly DeviceRule[];
}

/** Loads the program; gives its descriptor. It goes when nothing has it open and it is attached nowhere. */
export function loadDeviceProgram(program: Program, rules: readonly DeviceRule[]): number {
  const code = deviceFilter(rules);
  const what = `load the device program, ${code.length / 8} instructions`;
  return program.open('bpf', [BPF_PROG_LOAD, loadAttributes(code), LOAD_SIZE], what);
}

/**
 * Attaches it to the cgroup, instead of the one that is there, if there is one: no moment is without. Those of cgroups
 * above have their say, too; none can be attached below, where the container's own cgroups are (attach flags 0).
 */
export function limitDevices(program: Program, { cgroup, rules }: DeviceProgram): void {
  const directory = program.open('openat', [AT_FDCWD, cgroup, O_RDONLY, 0], `open ${cgroup}`);
  const loaded = loadDeviceProgram(program, rules);
  const attach = words(directory, loaded, BPF_CGROUP_DEVICE, 0);
  program.call('bpf', [BPF_PROG_ATTACH, attach, ATTACH_SIZE], `let it decide about devices in ${cgroup}`);
  program.close(loaded);
  program.close(directory);
}

/**
 * Takes away the program that an earlier start has attached by `limitDevices()`: nobody can attach one beside it. Of one
 * that is alone there the kernel wants no descriptor (`find_detach_entry()` in kernel/bpf/cgroup.c).
 */
export function freeDevices(program: Program, { cgroup }: Pick<DeviceProgram, 'cgroup'>): void {
  const directory = program.open('openat', [AT_FDCWD, cgroup, O_RDONLY, 0], `open ${cgroup}`);
  const detach = words(directory, NO_PROGRAM, BPF_CGROUP_DEVICE, 0);
  program.call('bpf', [BPF_PROG_DETACH, detach, ATTACH_SIZE], 'take away the device program of an earlier start', {
    tolerate: [ENOENT, EINVAL, EBADF],
  });
  program.close(directory);
}

/**
 * As `limitDevices()` where somebody else has attached a program that others may be beside (BPF_F_ALLOW_MULTI), which
 * would have its say too and let none be exchanged later: that one is taken away. There may be none; where there are two
 * or more the call fails. Between the two nobody may run in the cgroup who must not open devices.
 */
export function takeOverDevices(program: Program, devices: DeviceProgram): void {
  const { cgroup } = devices;
  const directory = program.open('openat', [AT_FDCWD, cgroup, O_RDONLY, 0], `open ${cgroup}`);
  askForProgram(program, directory);
  const known = 'open the device program that is there';
  const found = program.open('bpf', [BPF_PROG_GET_FD_BY_ID, { scratch: true }, ID_SIZE], known, {
    tolerate: [ENOENT],
    skip: 2,
  });
  const detach = words(directory, found, BPF_CGROUP_DEVICE, 0);
  program.call('bpf', [BPF_PROG_DETACH, detach, ATTACH_SIZE], 'take it away', { tolerate: [ENOENT] });
  program.close(found);
  program.close(directory);
  limitDevices(program, devices);
}

/**
 * Leaves the id of the program in the first bytes of the scratch page. The kernel writes into what it is asked with, so that
 * has to be in writable memory, where only a call can put it.
 */
function askForProgram(program: Program, directory: number): void {
  const question: Structure = {
    pieces: [words(directory, BPF_CGROUP_DEVICE, 0, 0), { pointer: { scratch: true } }, words(1, 0)],
  };
  const [from, to] = program.pipe('make a pipe');
  program.call('write', [to, question, QUERY_SIZE], 'write a question into it');
  program.call('read', [from, { scratch: true }, QUERY_SIZE], 'read that into memory that can be written');
  program.call('bpf', [BPF_PROG_QUERY, { scratch: true }, QUERY_SIZE], 'ask which device program is there');
  program.close(from);
  program.close(to);
}

/** 32-bit numbers, one after the other. */
function words(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}

function loadAttributes(code: Uint8Array): Structure {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0);
  head.writeUInt32LE(code.length / 8, 4);
  return { pieces: [head, { pointer: code }, { pointer: LICENSE }, new Uint8Array(LOAD_SIZE - 24)] };
}
