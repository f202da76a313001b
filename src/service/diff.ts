import { diff } from 'node:util';
import type { UnitFile } from './unit-files.ts';

/** How util.diff tells a line that only the first, or only the second text has. */
const SIGNS: Readonly<Record<string, string>> = { '1': '+', '-1': '-' };

/** What installing would change in a unit, a line each: `-` goes, `+` comes; '' when nothing would. */
export function unitDiff(file: Pick<UnitFile, 'state' | 'found' | 'wanted'>): string {
  if (file.state === 'current') return '';
  const lines = (text: string) => (text === '' ? [] : text.trimEnd().split('\n'));
  return diff(lines(file.wanted ?? ''), lines(file.found))
    .filter(([operation]) => operation !== 0)
    .map(([operation, line]) => `${SIGNS[operation]} ${line}`)
    .join('\n');
}
