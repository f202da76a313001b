import { expect, test } from 'vitest';
import { PLANTED } from './objectives.ts';
import { runPlanted } from './run-planted.ts';

/** One of each kind; all of them in planted.matrix.test.ts. */
const ONE_OF_EACH = PLANTED.filter((_, i) => i % 5 === 2);

test.each(ONE_OF_EACH.map((planted) => [planted.name, planted] as const))(
  '%s never stays in force',
  async (_name, planted) => {
    const seed = 1;
    const end = await runPlanted(planted, seed);
    expect(end.stays, `seed ${seed}`).toBe(false);
    expect(planted.production ? end.looks <= 2 : end.bad === 0, `seed ${seed}: ${JSON.stringify(end)}`).toBe(
      true,
    );
    // The gain in the laboratory comes into force, or nothing would be proven.
    if (planted.production) expect(end.bad).toBeGreaterThan(0);
  },
  60_000,
);
