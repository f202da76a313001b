import type { Parameter, ParameterValue } from '../../config/schema.ts';
import { KlorosError } from '../../errors.ts';

/** One value to stand in the target's file, under the target's own name. */
export interface Setting {
  readonly key: string;
  readonly type: Parameter['type'];
  /** null: the parameter is not active, its key is removed. */
  readonly value: ParameterValue | null;
}

/** What a format is given: where the settings stand, and all of them. */
export interface Settings {
  /** A dotted path or an INI section; undefined for the top of the file. */
  readonly section: string | undefined;
  readonly entries: readonly Setting[];
}

/**
 * Puts the settings into the text of a file and keeps what else is in it. `text` is '' for a file that is not there.
 * @throws KLR_E_APPLY_FAILED when the file or a value cannot be written in this format
 */
export type Format = (text: string, settings: Settings) => string;

export const cannotRender = (message: string, cause?: unknown): KlorosError =>
  new KlorosError('KLR_E_APPLY_FAILED', message, cause === undefined ? {} : { cause });

/** The line ending that a text uses. */
export const endOfLine = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

/** Lines without their ending; a text that ends in one has no empty last line. */
export function splitLines(text: string): string[] {
  if (text === '') return [];
  return text.replace(/\r?\n$/, '').split(/\r?\n/);
}

/** Text is quoted by each format; these have no safe form in a file of lines. */
export function refuseControl({ key, value }: Setting): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  if (typeof value === 'string' && /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value))
    throw cannotRender(`${key}: a value with a line break or control character has no form in this format`);
}

/**
 * The first text that its format's own parser reads as wanted. Editing by line keeps comments and layout but knows
 * less than the parser: what it gets wrong is never written, and the next, blunter text is tried (null: this way does not fit).
 */
export function firstThatReads(
  candidates: readonly (() => string | null)[],
  readsAsWanted: (text: string) => boolean,
): string {
  for (const candidate of candidates) {
    const text = candidate();
    if (text !== null && readsAsWanted(text)) return text;
  }
  throw cannotRender('a value would not read back as it was written; nothing was written');
}
