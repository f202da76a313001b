import { join } from 'node:path';
import { mendFile, readOld, refuse } from './read-old.ts';
import type { ImportItem, ImportOutcome, OldHome } from './types.ts';

const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/;

/** The epoch that a line tells of; null when it is torn or no such line. */
function epochOf(line: string): string | null {
  try {
    const value = JSON.parse(line) as { epoch_id?: unknown; date?: unknown } | null;
    const sound = typeof value?.epoch_id === 'string' && ISO_DATE.test(String(value.date));
    return sound ? String(value?.epoch_id) : null;
  } catch {
    return null;
  }
}

/** The epochs that stand in a text of lines. */
export function epochsIn(text: string): Set<string> {
  return new Set(text.split('\n').flatMap((line) => epochOf(line) ?? []));
}

/**
 * Each line of the old epochs.jsonl, byte for byte. A date that was used stays used: no second epoch on the night of
 * the move.
 * @param known epochs that the home has
 */
export function readEpochs(old: OldHome, known: ReadonlySet<string>): ImportItem[] {
  if (old.processed === null) return [];
  const file = join(old.processed, 'epochs.jsonl');
  if (!old.fs.existsSync(file)) return [];
  const read = readOld(old, file);
  if ('do' in read) return [{ kind: 'epoch', source: file, name: 'epochs.jsonl', outcome: read }];
  return read.text.split('\n').flatMap((line, index): ImportItem[] => {
    if (line.trim() === '') return [];
    const epoch = epochOf(line);
    const source = `${file}#${index + 1}`;
    if (epoch === null) {
      const outcome = refuse('torn', 'the line names no epoch and date', mendFile(file));
      return [{ kind: 'epoch', source, name: `line ${index + 1}`, outcome }];
    }
    const outcome: ImportOutcome = known.has(epoch) ? { do: 'nothing' } : { do: 'line', line };
    return [{ kind: 'epoch', source, name: epoch, outcome }];
  });
}
