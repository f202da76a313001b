import { join } from 'node:path';
import { readDropped } from '../files/read-safe.ts';
import { copyTo, jsonNames, readOldJson, refuse } from './read-old.ts';
import type { ImportItem, OldHome } from './types.ts';

/** Reports were one growing file: larger than this they are not hashed. */
const REPORT_MAX = 256 * 2 ** 20;

/** Why the report of a signal is not the one that was signed; null when it is, or is not there to be looked at. */
function reportProblem(old: OldHome, signal: Readonly<Record<string, unknown>>): string | null {
  const { report, sha256 } = signal;
  if (typeof report !== 'string' || typeof sha256 !== 'string') return 'it names no report and its SHA-256';
  if (sha256 === 'no_report') return null;
  const read = readDropped(old.fs, report, { maxBytes: REPORT_MAX, uid: old.uid });
  if (!read.ok) return null;
  return read.sha256 === sha256 ? null : `${report} was changed after it was signed`;
}

/** Both signals of each epoch. One whose report was changed is left behind: nobody can rely on it. */
export function readSignals(old: OldHome, to: string): ImportItem[] {
  const folder = old.signals;
  return jsonNames(old, folder)
    .filter((name) => name.startsWith('klr_phase_complete_'))
    .flatMap((name): ImportItem[] => {
      const source = join(folder ?? '', name);
      const read = readOldJson(old, source);
      if ('do' in read) return [{ kind: 'signal', source, name, outcome: read }];
      const problem = reportProblem(old, read.value);
      if (problem !== null) {
        const outcome = refuse(
          'report-changed',
          problem,
          'leave it behind: the report is no evidence any more',
        );
        return [{ kind: 'signal', source, name, outcome }];
      }
      const touch = name.replace(/\.json$/, '');
      return [
        { kind: 'signal', source, name, outcome: copyTo(old, to, name, read.bytes) },
        { kind: 'signal', source, name: touch, outcome: copyTo(old, to, touch, new Uint8Array()) },
      ];
    });
}
