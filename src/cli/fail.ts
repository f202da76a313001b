import { KlorosError } from '../errors.ts';
import { jsonLine, printable } from './output.ts';

/** An error as a person reads it: code, what was wrong, where, what to do. With --json one line of JSON. On stderr. */
export function reportError(error: unknown, json: boolean): KlorosError {
  const known =
    error instanceof KlorosError
      ? error
      : new KlorosError('KLR_E_INTERNAL', error instanceof Error ? error.message : String(error), {
          cause: error,
        });
  const { code, message, where, hint, exit } = known;
  if (json) {
    process.stderr.write(
      jsonLine({ schema: 'kloros.error/v1', error: { code, message, where, hint, exit } }),
    );
    return known;
  }
  const lines = [`${code}: ${message}`];
  if (where !== undefined && !message.includes(where)) lines.push(`  where: ${where}`);
  lines.push(`  next:  ${hint}`);
  if (code === 'KLR_E_INTERNAL' && error instanceof Error && error.stack) lines.push(error.stack);
  process.stderr.write(`${lines.map((line) => line.split('\n').map(printable).join('\n')).join('\n')}\n`);
  return known;
}
