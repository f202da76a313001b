import type { FileSystem } from '../files/filesystem.ts';

export type ItemKind =
  | 'ack'
  | 'promotion'
  | 'epoch'
  | 'signal'
  | 'baseline'
  | 'escrow'
  | 'intent'
  | 'variable';

/** Something of the old home, and what becomes of it. */
export interface ImportItem {
  readonly kind: ItemKind;
  /** Where it stands in the old home, absolute; with `#line` for a line of a file. */
  readonly source: string;
  readonly name: string;
  readonly outcome: ImportOutcome;
}

export type ImportOutcome =
  /** Copied into a folder of the home, where the loop reads it as if it had been dropped there. */
  | { readonly do: 'copy'; readonly to: string; readonly content: Uint8Array }
  /** A line for processed/epochs.jsonl. */
  | { readonly do: 'line'; readonly line: string }
  /** Told in the ledger: history that nothing acts on. */
  | { readonly do: 'record'; readonly data: Readonly<Record<string, unknown>> }
  /** A setting that a person has to make. */
  | { readonly do: 'advise'; readonly advice: string }
  /** Imported before. */
  | { readonly do: 'nothing' }
  /** Left alone. */
  | { readonly do: 'refuse'; readonly code: ImportProblem; readonly reason: string; readonly mend: string };

export type ImportProblem =
  /** It cannot be parsed: torn, empty, not of its format. */
  | 'torn'
  /** A link, a pipe, a file of somebody else, too large. */
  | 'unreadable'
  /** A name that no file of the home may have. */
  | 'unsafe-name'
  /** The home has another file of that name. */
  | 'conflict'
  /** A version of the baseline is missing, or does not follow the one before. */
  | 'gap'
  /** The report that a signal speaks of is not the one that was signed. */
  | 'report-changed';

/** Where things stand in an old home; null when there is none. */
export interface OldHome {
  readonly root: string;
  readonly fs: FileSystem;
  /** User whose files are read, beside those of root. */
  readonly uid: number;
  readonly promotions: string | null;
  readonly acks: string | null;
  readonly processed: string | null;
  readonly signals: string | null;
  readonly intents: string | null;
  readonly escrow: string | null;
  readonly baseline: string | null;
  /** Files of NAME=value. */
  readonly environments: readonly string[];
}
