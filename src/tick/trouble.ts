import { type ErrorCode, KlorosError } from '../errors.ts';

const OF_THE_DISK: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'KLR_E_DISK_FULL',
  'KLR_E_HOME_READ_ONLY',
  'KLR_E_HOME_DAMAGED',
]);

/** What is wrong with the home or comes from another process; it says nothing of the work that met it. */
const OF_THE_HOME: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...OF_THE_DISK,
  'KLR_E_LOCK_HELD',
  'KLR_E_FENCED',
]);

/** Whether the home could not be written, so that it may not even be on record how far the work came. */
export function isDiskTrouble(error: unknown): boolean {
  return error instanceof KlorosError && OF_THE_DISK.has(error.code);
}

/** Whether an error is none of its work's own: the work is not counted as failed, and goes on when the trouble is over. */
export function isTroubleOfHome(error: unknown): boolean {
  return error instanceof KlorosError && OF_THE_HOME.has(error.code);
}

/** An error in words, for records. */
export function wordsOf(error: unknown): string {
  if (error instanceof KlorosError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
