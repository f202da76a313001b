import { fromJson, sha256Hex } from '../store/json.ts';
import type { Chosen, Unit } from './types.ts';

const MARK = /^# Written by kloros, sha256 ([0-9a-f]{64})\. .*\n/;

const CHOSEN = '# Installed with ';

/** A unit under a first line by which an edit can be told. */
export function stamped(name: string, body: string, chosen?: Chosen): Unit {
  const choice = chosen === undefined ? '' : `${CHOSEN}${JSON.stringify(chosen)}\n`;
  const rest = `${choice}# Change it with \`kloros service install\`, or beside it with \`systemctl edit ${name}\`.\n\n${body}`;
  return { name, text: `# Written by kloros, sha256 ${sha256Hex(rest)}. Do not edit.\n${rest}` };
}

/** Whose text this is: written by us and left alone, written by us and edited since, or of somebody else. */
export function authorship(text: string): 'own' | 'edited' | 'foreign' {
  const [line, hash] = MARK.exec(text) ?? [];
  if (line === undefined) return 'foreign';
  return sha256Hex(text.slice(line.length)) === hash ? 'own' : 'edited';
}

/** What the person chose who installed this unit; null when it does not tell. */
export function chosenIn(text: string): Chosen | null {
  const line = text.split('\n').find((one) => one.startsWith(CHOSEN));
  if (line === undefined || authorship(text) !== 'own') return null;
  return fromJson<Chosen>(line.slice(CHOSEN.length));
}
