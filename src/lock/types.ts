/** Who holds a lock: display and liveness only, the kernel decides who holds it. */
export interface Holder {
  readonly name: string;
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: start time in clock ticks since boot. */
  readonly startTime: number;
  readonly bootId: string;
  readonly host: string;
  /** Fencing token: grows with each acquisition of this lock. */
  readonly token: number;
  /** Milliseconds since the Unix epoch. */
  readonly acquiredAt: number;
  /** Milliseconds after which the holder is reported, and its token may be outrun. */
  readonly ttlMs: number;
  /** What it is doing, in words. */
  readonly purpose: string;
}

export type LockName = 'orchestrator' | 'dream' | 'phase' | 'baseline' | 'daemon';

export interface HeldLock {
  readonly name: LockName;
  readonly token: number;
  readonly holder: Holder;
  /** Frees the lock; calling it again does nothing. The file stays. */
  release(): void;
}

export type LockAttempt =
  | {
      readonly acquired: true;
      readonly lock: HeldLock;
      /** What a dead holder left behind, when it did not release: to be recorded. */
      readonly reaped: Holder | null;
    }
  | { readonly acquired: false; readonly holder: Holder | null; readonly overdue: boolean };
