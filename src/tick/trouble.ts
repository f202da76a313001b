import { type ErrorCode, KlorosError } from '../errors.ts';

/** What is wrong with the home or comes from another process; it says nothing of the work that met it. */
const OF_THE_HOME: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'KLR_E_DISK_FULL',
  'KLR_E_HOME_READ_ONLY',
  'KLR_E_HOME_DAMAGED',
  'KLR_E_LOCK_HELD',
  'KLR_E_FENCED',
]);

/** Whether an error is none of its work's own: the work is not counted as failed, and goes on when the trouble is over. */
export function isTroubleOfHome(error: unknown): boolean {
  return error instanceof KlorosError && OF_THE_HOME.has(error.code);
}

/** An error in words, for records. */
export function wordsOf(error: unknown): string {
  if (error instanceof KlorosError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
