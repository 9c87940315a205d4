import { type ContainerKey, machineName } from '../model/address.ts';
import type { ContainerSpec, Endpoint, NetworkSpec, PublishedPort, VolumeSpec } from '../model/container.ts';
import type { ContainerEvent } from '../model/event.ts';
import type { HealthRecord } from '../model/health.ts';
import type { LiveNetwork } from '../model/live.ts';
import type { RunEnd } from '../model/observed.ts';
import type { Role } from '../model/update.ts';
import { Database, hasDamage } from './database.ts';
import { DamagedRecordsError, Table } from './table.ts';

/** What the kernel can't tell of a container. */
export interface ContainerRecord {
  readonly key: ContainerKey;
  readonly spec: ContainerSpec;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PublishedPort[];
  /** Absent: it is the replica. */
  readonly role?: Role;
  /** What was changed on its networks by hand; absent: nothing. */
  readonly live?: LiveNetwork;
  readonly createdAtMs: number;
  /** Starts so far; the run that an exit file speaks of. */
  readonly run: number;
  /** Start it after a reboot: it was meant to run. */
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** `oomKills` of the cgroup when this run began. */
  readonly oomKillsBefore: number;
  readonly stoppedByUser: boolean;
  /** The user paused it; absent: who froze it was somebody else. */
  readonly pausedByUser?: boolean;
  /** Restarts by us (policy, or ill health) since the last start by a user. */
  readonly restarts: number;
  /** Restarts in a row that led to no good run: the back-off. Absent: 0. */
  readonly attempts?: number;
  /** Restarts whose run was over within the policy's window. Absent: 0. */
  readonly failedAttempts?: number;
  /** Size of the log when this run began. Absent: 0. */
  readonly logOffset?: number;
  /** This run is being ended for its ill health, or was. `goodRun`: it had been healthy for long enough. */
  readonly ending?: { readonly goodRun: boolean };
  /** How the run before this one ended. */
  readonly lastEnd?: RunEnd;
  /** The last run whose `postStart` hooks have all been run. */
  readonly postStartRun?: number;
  /** /proc/sys/kernel/random/boot_id at the last start: a pid of another boot means nothing. */
  readonly bootId?: string;
}

export interface StackRecord {
  readonly name: string;
  readonly files: readonly string[];
  readonly projectDirectory: string;
}

/**
 * The records: written through to SQLite, read from memory. Invariant: one process has them open (the database is
 * locked exclusively), so memory and file never differ.
 */
export class Records {
  readonly containers: Table<ContainerRecord>;
  readonly networks: Table<NetworkSpec>;
  readonly volumes: Table<VolumeSpec>;
  readonly stacks: Table<StackRecord>;
  /** Health of containers that were looked at, by the same name. */
  readonly health: Table<HealthRecord>;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.containers = new Table(database, 'containers', (record) => machineName(record.key));
    this.networks = new Table(database, 'networks', (network) => network.name);
    this.volumes = new Table(database, 'volumes', (volume) => volume.name);
    this.health = new Table(database, 'health', (health) => machineName(health.key));
    this.stacks = new Table(database, 'stacks', (stack) => stack.name);
  }

  /**
   * Opens or makes the records' file. One that is damaged, be it in a single document, is set aside whole, as `setAside`,
   * and begun anew: what runs is found by its descriptions and by the kernel. Throws as `Database.open()` does.
   */
  static open(path: string): { readonly records: Records; readonly setAside?: string } {
    const { database, setAside } = Database.open(path);
    try {
      return { records: new Records(database), ...(setAside !== undefined && { setAside }) };
    } catch (error) {
      database.abandon();
      if (!(error instanceof DamagedRecordsError) && !hasDamage(error)) throw error;
      const begun = Database.begin(path);
      return { records: new Records(begun.database), setAside: begun.setAside };
    }
  }

  container(key: ContainerKey): ContainerRecord | undefined {
    return this.containers.get(machineName(key));
  }

  /** The container that is a replica now, whatever its slot; one that is to be or was it, where there is no other. */
  replica({ stack, service, index }: ContainerKey): ContainerRecord | undefined {
    const slots = [{}, { slot: 'b' }] as const;
    const found = slots.flatMap((slot) => this.container({ stack, service, index, ...slot }) ?? []);
    return found.find(({ role }) => role === undefined) ?? found[0];
  }

  containersOf(stack: string): readonly ContainerRecord[] {
    return this.containers.all().filter((record) => record.key.stack === stack);
  }

  networksOf(stack: string): readonly NetworkSpec[] {
    return this.networks.all().filter((network) => network.stack === stack);
  }

  /** Changes some fields of a record that is there; nothing when it is not. A field set to undefined is taken out. */
  updateContainer(
    key: ContainerKey,
    fields: { readonly [K in keyof ContainerRecord]?: ContainerRecord[K] | undefined },
  ): void {
    const record = this.container(key);
    if (record === undefined) return;
    const merged = { ...record, ...fields };
    this.containers.put(JSON.parse(JSON.stringify(merged)) as ContainerRecord);
  }

  addEvent(event: ContainerEvent): void {
    this.#database.addEvent(event.timeMs, event.stack, JSON.stringify(event));
  }

  events(stack: string, sinceMs: number): readonly ContainerEvent[] {
    return this.#database.events(stack, sinceMs).flatMap((text) => parseEvent(text) ?? []);
  }

  close(): void {
    this.#database.close();
  }
}

/** One that is damaged is left out. */
function parseEvent(text: string): ContainerEvent | undefined {
  try {
    return JSON.parse(text) as ContainerEvent;
  } catch {
    return undefined;
  }
}
