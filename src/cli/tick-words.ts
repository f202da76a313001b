import type { TickResult } from '../tick/types.ts';
import type { Output } from './output.ts';
import { lengthOf, relative } from './words.ts';

const TROUBLE = new Set([
  'ERROR',
  'DREAM_FAILED',
  'DREAM_TIMEOUT',
  'PHASE_FAILED',
  'PHASE_TIMEOUT',
  'KILLED',
]);
const GOOD = new Set(['BASELINE_COMMIT', 'WATCH_OK', 'DREAM_CYCLE', 'PHASE_EPOCH', 'RECOVERED']);

/** The outcome in its colour; the word says the same without. */
export function outcomeWord(outcome: string, out: Output): string {
  if (TROUBLE.has(outcome)) return out.paint('red', outcome);
  if (GOOD.has(outcome)) return out.paint('green', outcome);
  return outcome === 'ROLLED_BACK' || outcome === 'ESCROWED' ? out.paint('yellow', outcome) : outcome;
}

/** "in 6 h: validate 2 promotions in the PHASE window". */
export function nextWords(next: TickResult['next'], now: number): string {
  return next.at === null ? next.what : `${relative(next.at, now)}: ${next.what}`;
}

/** A tick in one or two lines. */
export function tickWords(result: TickResult, now: number, out: Output): string {
  return `${outcomeWord(result.outcome, out)}  ${result.reason} (${lengthOf(result.durationMs)})\nnext: ${nextWords(result.next, now)}`;
}
