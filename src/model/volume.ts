/** A container that mounts a volume. */
export interface VolumeUser {
  readonly stack: string;
  readonly service: string;
  readonly index: number;
  /** Name of the container. */
  readonly name: string;
  /** Path in the container. */
  readonly target: string;
  readonly readOnly: boolean;
  readonly running: boolean;
}

/** A volume of this machine, and who uses it. */
export interface VolumeSummary {
  readonly name: string;
  /** The stack that made it; empty: `volume create` did. */
  readonly stack: string;
  /** Its key in the stack file; empty: it has none. */
  readonly key: string;
  /** Made for one container, because no volume was named. */
  readonly anonymous: boolean;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** The directory on the host that containers see. */
  readonly mountpoint: string;
  /** Milliseconds since the epoch; absent: its directory is gone. */
  readonly createdAtMs?: number;
  /** Containers, also stopped ones, sorted. */
  readonly users: readonly VolumeUser[];
}
