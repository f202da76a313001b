/**
 * The one catalogue of errors. A code is never reused; `docs/reference/errors.md` lists every code and a test holds
 * the two together. Expected outcomes (a verdict, a rejected promotion) are unions, not errors.
 */

/** Exit codes, everywhere (design: section 2). */
export const EXIT = {
  done: 0,
  internal: 1,
  disabled: 2,
  killed: 3,
  locked: 4,
  dream: 5,
  phase: 6,
  baseline: 7,
  usage: 64,
  data: 65,
  config: 78,
  timeout: 124,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface CatalogueEntry {
  readonly exit: ExitCode;
  /** What the person who reads it should do next. */
  readonly hint: string;
}

export const CATALOGUE = {
  // general
  KLR_E_INTERNAL: {
    exit: EXIT.internal,
    hint: 'This is a defect of KLoROS: report it with the output of `kloros status --json`.',
  },
  KLR_E_USAGE: { exit: EXIT.usage, hint: 'Run the command with --help to see its arguments and examples.' },
  KLR_E_NOT_FOUND: { exit: EXIT.data, hint: 'List what exists with the matching list command.' },
  // home
  KLR_E_HOME_MISSING: {
    exit: EXIT.config,
    hint: 'Create it with `kloros init`, or point KLOROS_HOME or --home at an existing one.',
  },
  KLR_E_HOME_FOREIGN: {
    exit: EXIT.config,
    hint: 'Name an empty folder, or one that does not exist yet; nothing was changed.',
  },
  KLR_E_HOME_UNSAFE: {
    exit: EXIT.config,
    hint: 'Put a plain file or folder of the service user back, on a file system that keeps modes of 0600 and 0700.',
  },
  KLR_E_HOME_NEWER: {
    exit: EXIT.config,
    hint: 'Use the KLoROS version that wrote this home, or a newer one; nothing was changed.',
  },
  KLR_E_HOME_READ_ONLY: {
    exit: EXIT.internal,
    hint: 'Make the home writable for the service user, or move it to another file system.',
  },
  KLR_E_HOME_DAMAGED: {
    exit: EXIT.data,
    hint: 'Restore the home from a backup; the damaged database was left as it is.',
  },
  KLR_E_DISK_FULL: {
    exit: EXIT.internal,
    hint: 'Free space on the file system of the home; the next tick goes on by itself.',
  },
  KLR_E_OWNER: {
    exit: EXIT.config,
    hint: 'Run as the user that owns the home, or change the owner of the home.',
  },
  // locks
  KLR_E_LOCK_HELD: {
    exit: EXIT.locked,
    hint: 'Another KLoROS process is at work; see who with `kloros status`.',
  },
  KLR_E_LOCK_FILE: {
    exit: EXIT.config,
    hint: 'Remove what stands in place of the lock file, and make locks/ writable.',
  },
  KLR_E_FENCED: {
    exit: EXIT.baseline,
    hint: 'A newer holder took over while this one was paused; nothing was committed. Nothing to do.',
  },
  // promotions
  KLR_E_PROMOTION_INVALID: {
    exit: EXIT.data,
    hint: 'Mend what the message names, and submit it again; nothing was written.',
  },
  KLR_E_PROMOTION_DUPLICATE: {
    exit: EXIT.data,
    hint: 'Give it an id and a file name of its own: each is answered once, see `kloros promotions list`.',
  },
  KLR_E_PROMOTION_SETTLED: {
    exit: EXIT.data,
    hint: 'It has its one final answer already: read it with `kloros promotions show`.',
  },
  KLR_E_PROMOTION_STATE: {
    exit: EXIT.data,
    hint: 'See what it waits for with `kloros promotions show`; only that can happen next.',
  },
  KLR_E_NOT_VALIDATED: {
    exit: EXIT.baseline,
    hint: 'Only what PHASE accepted can be committed; see `kloros promotions show`.',
  },
  // phase
  KLR_E_PHASE_NOT_DUE: {
    exit: EXIT.usage,
    hint: 'See when the window opens with `kloros phase next`; `kloros phase run --force` validates now.',
  },
  KLR_E_PHASE_TOO_SHORT: {
    exit: EXIT.phase,
    hint: 'Widen phase.window or phase.max_duration, or lower phase.replicas; promotions wait meanwhile.',
  },
  KLR_E_PHASE_USED: {
    exit: EXIT.phase,
    hint: 'The next window validates again; `kloros phase run --force` does not wait for it.',
  },
  KLR_E_SIGNAL_INVALID: {
    exit: EXIT.data,
    hint: 'The epoch has no signal that can be trusted; see what it came to with `kloros phase show`.',
  },
  KLR_E_REPORT_CHANGED: {
    exit: EXIT.data,
    hint: 'Do not act on the report: it is not the one that was signalled. The ledger holds the verdicts.',
  },
  // escrow
  KLR_E_ESCROW_DECIDED: {
    exit: EXIT.data,
    hint: 'The first decision stands; see who made it with `kloros escrow show`.',
  },
  KLR_E_ESCROW_EXPIRED: {
    exit: EXIT.data,
    hint: 'Nothing was approved. The change has to be searched and validated again: submit it once more.',
  },
  KLR_E_ESCROW_CHANGED: {
    exit: EXIT.data,
    hint: 'Read the entry again with `kloros escrow show`, and decide on what it says now.',
  },
  KLR_E_ESCROW_MOVED: {
    exit: EXIT.data,
    hint: 'The baseline moved since it was validated; it goes back to validation by itself.',
  },
  KLR_E_ESCROW_USED: { exit: EXIT.data, hint: 'An approval works once; nothing to do.' },
  KLR_E_ESCROW_FOUR_EYES: {
    exit: EXIT.data,
    hint: 'Two different people approve (escrow.four_eyes), neither of them who asked for the change; under sudo each is known by name.',
  },
  KLR_E_ESCROW_FROZEN: {
    exit: EXIT.data,
    hint: 'It went back and forth. Find out why, then `kloros escrow autonomy raise` it; the change waits meanwhile.',
  },
  KLR_E_ESCROW_AUTONOMY: {
    exit: EXIT.data,
    hint: 'See what was taken away with `kloros escrow autonomy list`; what kloros.yaml grants is changed there.',
  },
  KLR_E_ESCROW_REVIEWER: { exit: EXIT.usage, hint: 'Name who decides, and for a refusal why.' },
  // intents
  KLR_E_INTENT_INVALID: {
    exit: EXIT.data,
    hint: 'Mend what the message names, and submit it again; nothing was written.',
  },
  // search
  KLR_E_SPACE_EMPTY: {
    exit: EXIT.config,
    hint: 'Widen the bounds, or mend or drop the clause shown: no configuration satisfies them.',
  },
  KLR_E_SEARCH_INVALID: {
    exit: EXIT.config,
    hint: 'Mend the setting shown: a budget and a parallelism of at least 1, a known sampler, one direction an objective.',
  },
  KLR_E_TELL_UNKNOWN: {
    exit: EXIT.data,
    hint: 'Tell each id that was asked exactly once; the search goes on unchanged.',
  },
  KLR_E_TELL_INVALID: {
    exit: EXIT.data,
    hint: 'Tell one number for each objective, or that the trial failed; the search goes on unchanged.',
  },
  // baseline
  KLR_E_BASELINE_REFUSED: {
    exit: EXIT.baseline,
    hint: 'Nothing was committed. Compare what the message names with its bounds and autonomy in kloros.yaml.',
  },
  KLR_E_BASELINE_DAMAGED: {
    exit: EXIT.data,
    hint: 'Nothing was committed. See `kloros baseline verify`; restore the database from a backup.',
  },
  KLR_E_BASELINE_TORN: {
    exit: EXIT.data,
    hint: 'Keep what is in force, and read again; when it stays, see `kloros baseline verify`.',
  },
  KLR_E_APPLY_FAILED: {
    exit: EXIT.baseline,
    hint: 'Mend the target or its apply section in kloros.yaml; `kloros baseline show` says what should be in force.',
  },
  // server
  KLR_E_LISTEN: {
    exit: EXIT.config,
    hint: 'Free the port, or name another one with --listen.',
  },
  // service
  KLR_E_UNIT_EDITED: {
    exit: EXIT.config,
    hint: 'See what differs with `kloros service diff`; --force writes it anew and keeps the edited one as .bak.',
  },
  KLR_E_UNIT_FOREIGN: {
    exit: EXIT.config,
    hint: 'Choose other names with --name; --force takes the place and keeps what stands there as .bak.',
  },
  KLR_E_SYSTEMD: {
    exit: EXIT.config,
    hint: 'The units are written; mend what systemctl says, and run `kloros service install` again.',
  },
  // backup
  KLR_E_BACKUP_EXISTS: {
    exit: EXIT.usage,
    hint: 'Name another file, or add --force: the one that stands there is kept as .bak.',
  },
  KLR_E_BACKUP_INVALID: {
    exit: EXIT.data,
    hint: 'Restore an older backup; nothing was changed.',
  },
  KLR_E_RESTORE_OCCUPIED: {
    exit: EXIT.config,
    hint: 'Name an empty place with --home, or add --force: the home that stands there is kept as .bak.',
  },
  // drill
  KLR_E_DRILL_FAILED: {
    exit: EXIT.internal,
    hint: 'Disable the loop (`kloros disable`) until the gate that is shown holds; nothing of the drill reached the target.',
  },
  // evidence and replay
  KLR_E_EVIDENCE_CHANGED: {
    exit: EXIT.data,
    hint: 'Do not rely on it: see which check does not hold, and write the bundle anew with `kloros evidence`.',
  },
  KLR_E_REPLAY_DIFFERS: {
    exit: EXIT.data,
    hint: 'Replay with the version that decided it (it is on record); else the record or the program was changed.',
  },
  KLR_E_REPLAY_IMPOSSIBLE: {
    exit: EXIT.data,
    hint: 'What it was decided from is not on record, or kloros.yaml changed since; the decision itself stands in the ledger.',
  },
  // import from an earlier system
  KLR_E_IMPORT_NOTHING: {
    exit: EXIT.usage,
    hint: 'Name the folder that holds artifacts/, system/ or .kloros/, or the folder of promotions/, signals/ and so on.',
  },
  // configuration
  KLR_E_CONFIG_MISSING: {
    exit: EXIT.config,
    hint: 'Write one with `kloros init`, or name it with --config.',
  },
  KLR_E_CONFIG_SYNTAX: { exit: EXIT.config, hint: 'Mend the YAML at the line shown.' },
  KLR_E_CONFIG_INVALID: {
    exit: EXIT.config,
    hint: 'Mend the lines shown; `kloros config check` checks again.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

/**
 * An error with a code, what was wrong, where, and what to do.
 * @example throw new KlorosError('KLR_E_LOCK_HELD', 'orchestrator is held by pid 12', { where: path })
 */
export class KlorosError extends Error {
  override readonly name = 'KlorosError';
  readonly code: ErrorCode;
  /** The file, line, key or id that the error is about. */
  readonly where: string | undefined;
  readonly hint: string;
  readonly exit: ExitCode;

  constructor(
    code: ErrorCode,
    message: string,
    options: { where?: string; hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.where = options.where;
    const entry: CatalogueEntry = CATALOGUE[code];
    this.hint = options.hint ?? entry.hint;
    this.exit = entry.exit;
  }
}
