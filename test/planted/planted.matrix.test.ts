import { describe, expect, test } from 'vitest';
import { PLANTED } from './objectives.ts';
import { runPlanted } from './run-planted.ts';

/** KLOROS_PLANTED_SEEDS=200 for the whole measure: about twenty minutes with TMPDIR on a RAM disk. */
const SEEDS = Number(process.env.KLOROS_PLANTED_SEEDS ?? 3);

describe(`30 planted objectives, ${SEEDS} seeds each`, () => {
  test('there are 30', () => expect(new Set(PLANTED.map((p) => p.name)).size).toBe(30));

  test.each(PLANTED.map((planted) => [planted.name, planted] as const))('%s', async (_name, planted) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const end = await runPlanted(planted, seed);
      const where = `seed ${seed}: ${JSON.stringify(end)}`;
      expect(end.stays, where).toBe(false);
      if (planted.production) expect(end.looks, where).toBeLessThanOrEqual(2);
      else expect(end.bad, where).toBe(0);
    }
  });
});
