import { expect, test } from 'vitest';
import { type CheckedConfig, checkSource } from '../../src/config/check.ts';
import { readSource } from '../../src/config/source.ts';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { changed, writeConfig } from './config-file.ts';

/** A mistake: `from` becomes `to` in a sound file; the caret stands at the text `points`; the message says `says`. */
export interface Mistake {
  readonly from: string;
  readonly to: string;
  readonly points: string;
  readonly says: string;
}

export const mistake = (from: string, to: string, points: string, says: string): Mistake => ({
  from,
  to,
  points,
  says,
});

export function check(text: string): CheckedConfig {
  return checkSource(readSource(writeConfig(text), nodeFileSystem));
}

/** A test for each mistake: it is shown at its place, in its words, and nothing else is. */
export function testMistakes(table: Readonly<Record<string, Mistake>>): void {
  test.each(Object.entries(table))('%s', (_name, { from, to, points, says }) => {
    const text = changed(from, to);
    const checked = check(text);
    const problems = checked.ok ? [] : checked.problems;
    expect(problems.map((problem) => problem.message)).toEqual([says]);
    const [problem] = problems;
    expect(problem?.text.slice(problem.column - 1)).toMatch(new RegExp(`^${RegExp.escape(points)}`));
    expect(text.split('\n')[(problem?.line ?? 0) - 1]).toBe(problem?.text);
  });
}
