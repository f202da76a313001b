export type IntentType = 'trigger_dream' | 'trigger_phase' | 'rollback' | 'reflect';
export type IntentState =
  | 'waiting'
  | 'done'
  | 'failed'
  | 'duplicate'
  | 'stale'
  | 'overflow'
  | 'invalid'
  | 'quarantined';

/** A request in the drop folder, as the database holds it. */
export interface Intent {
  readonly id: string;
  readonly file: string;
  readonly type: IntentType;
  /** 0 (lowest) to 10. */
  readonly priority: number;
  readonly reason: string;
  /** trigger_dream: {experiment?, trials?, seed?}; rollback: {to?}; the others: {}. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly generatedAt: number;
  readonly emittedBy: string;
  readonly attempts: number;
}
