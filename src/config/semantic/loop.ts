import type { KlorosError } from '../../errors.ts';
import { compileExpression, ESCROW_VARIABLES } from '../constraints.ts';
import { didYouMean } from '../nearest.ts';
import { showValue } from '../parameters.ts';
import type { ConfigProblem } from '../problem.ts';
import type { Config, WindowConfig } from '../schema.ts';

/** Whether `zone` is a zone of the IANA database; offsets such as +02:00 know no summer time and are none. */
function isZone(zone: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(zone)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}

export function windowProblems(window: WindowConfig): ConfigProblem[] {
  const path = ['phase', 'window'];
  const problems: ConfigProblem[] = [];
  if (!isZone(window.zone)) {
    const hint = didYouMean(window.zone, Intl.supportedValuesOf('timeZone'));
    const message = `${showValue(window.zone)} is no IANA time zone${hint}`;
    problems.push({ path: [...path, 'zone'], at: 'value', message });
  }
  if (window.start === '24:00')
    problems.push({
      path: [...path, 'start'],
      at: 'value',
      message: 'a window that starts at 24:00 starts at 00:00',
    });
  if (window.start === window.end)
    problems.push({
      path: [...path, 'end'],
      at: 'value',
      message: `the window is empty: it starts and ends at ${window.start} (a whole day is 00:00 to 24:00)`,
    });
  return problems;
}

export function escrowProblems(escrow: Config['escrow']): ConfigProblem[] {
  return escrow.rules.flatMap((rule, i): ConfigProblem[] => {
    try {
      compileExpression(rule.when, ESCROW_VARIABLES);
      return [];
    } catch (error) {
      const message = (error as KlorosError).message;
      return [{ path: ['escrow', 'rules', i, 'when'], at: 'value', message }];
    }
  });
}
