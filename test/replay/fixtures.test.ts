import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/store/json.ts';
import { type RecordedDecision, replayDecision } from '../../src/tick/replay.ts';

const FOLDER = new URL('fixtures/', import.meta.url);
const fixtures = readdirSync(FOLDER);

test('there is a fixture', () => expect(fixtures).not.toEqual([]));

test.each(fixtures)('what was decided in %s is decided again, bit for bit', (name) => {
  const decisions: RecordedDecision[] = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'));
  expect(new Set(decisions.map(({ decision }) => decision.rule)).size).toBeGreaterThan(5);
  for (const { decision, ...from } of decisions)
    expect(canonicalJson(replayDecision(from)), `rule ${decision.rule}`).toBe(canonicalJson(decision));
});
