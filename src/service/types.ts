/** Who runs the units: the machine's systemd, or that of one user. */
export type Scope = 'system' | 'user';

/** A timer that ticks, or a daemon that stays. */
export type ServiceMode = 'timer' | 'daemon';

/** What a person chose when the service was installed: kept in the units, so that installing again keeps to it. */
export interface Chosen {
  readonly mode: ServiceMode;
  /** Further folders that may be written. */
  readonly writable: readonly string[];
  /** Where the daemon's metrics are read, such as 127.0.0.1:9464; null: nowhere. */
  readonly listen: string | null;
}

/** What the units follow from. All paths are absolute. */
export interface ServiceSettings {
  /** Start of the units' names: `kloros` gives kloros-tick.timer. Another one for each further home. */
  readonly name: string;
  readonly scope: Scope;
  readonly chosen: Chosen;
  /** What ExecStart begins with: the Node.js, and the command's own file. */
  readonly program: readonly string[];
  readonly home: string;
  /** The user and group that own the home; null in a user's own systemd. */
  readonly owner: { readonly user: string; readonly group: string } | null;
  /** Folders outside the home that may be written: those of the targets, and what the operator names. */
  readonly writable: readonly string[];
  /** Between two ticks, ms. */
  readonly intervalMs: number;
  /** The longest that one tick may take, ms: no limit of a unit is shorter. */
  readonly longestTickMs: number;
  /** The longest that a tick needs to come to its end when it is asked to, ms. */
  readonly stopMs: number;
}

/** A unit as it should stand in the folder of units. */
export interface Unit {
  readonly name: string;
  readonly text: string;
}
