import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { advise } from '../../src/heuristics/advice.ts';
import { chooseExperiment, scoreExperiments } from '../../src/heuristics/bandit.ts';
import { detect } from '../../src/heuristics/detectors.ts';
import { learnFromCycle, learnFromRollback, learnFromVerdict } from '../../src/heuristics/learn.ts';
import { reflect } from '../../src/heuristics/reflect.ts';
import { type Learned, NOTHING_LEARNED, readLearned } from '../../src/heuristics/state.ts';
import { readEvents } from '../../src/store/ledger.ts';
import {
  experimentConfig,
  parseConfig,
  seededRandom,
  type TestContext,
  testContext,
} from '../support/context.ts';

const HERE = { kernel: '6.1', cpu: 'zen4' };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const learned = (over: Partial<Learned>): Learned => ({ ...NOTHING_LEARNED, ...over });
const demo = () => {
  const experiment = parseConfig().experiments.demo;
  if (!experiment) throw new Error('the test configuration has an experiment demo');
  return experiment;
};

describe('the bandit', () => {
  test('an experiment that was never searched comes first', () => {
    const [first] = scoreExperiments([
      { name: 'rich', learned: learned({ cycles: 5, gainSum: 3, elapsedMs: HOUR }) },
      { name: 'new', learned: NOTHING_LEARNED },
    ]);
    expect(first).toMatchObject({ name: 'new', reason: 'never searched' });
  });

  test('gives most cycles to what gains most, and forgets nobody', () => {
    const seed = 7;
    const random = seededRandom(seed);
    const gains: Record<string, number> = { good: 0.2, fair: 0.05, barren: 0 };
    const state = new Map(Object.keys(gains).map((name) => [name, NOTHING_LEARNED]));
    const picked: Record<string, number> = { good: 0, fair: 0, barren: 0 };
    for (let n = 0; n < 300; n++) {
      const [first] = scoreExperiments([...state].map(([name, l]) => ({ name, learned: l })));
      const name = first?.name ?? '';
      picked[name] = (picked[name] ?? 0) + 1;
      const before = state.get(name) ?? NOTHING_LEARNED;
      const gain = (gains[name] ?? 0) * 2 * random();
      state.set(name, {
        ...before,
        cycles: before.cycles + 1,
        gainSum: before.gainSum + gain,
        elapsedMs: before.elapsedMs + HOUR,
      });
    }
    expect(picked.good, `seed ${seed}`).toBeGreaterThan((picked.fair ?? 0) + (picked.barren ?? 0));
    expect(picked.barren, `seed ${seed}`).toBeGreaterThan(3);
  });

  test('every score is a number, whatever was learned', () => {
    const arm = fc.record({
      cycles: fc.nat(50),
      gainSum: fc.double({ min: 0, max: 10, noNaN: true }),
      elapsedMs: fc.nat(HOUR),
    });
    fc.assert(
      fc.property(fc.array(arm, { minLength: 1, maxLength: 6 }), (arms) => {
        const scored = scoreExperiments(arms.map((a, i) => ({ name: `e${i}`, learned: learned(a) })));
        expect(scored).toHaveLength(arms.length);
        for (const { score } of scored) expect(score).not.toBeNaN();
      }),
    );
  });
});

describe('advice', () => {
  const accepted = (cache: number, ratio = 0.5) => ({
    params: { cache, ratio, mode: 'fast', compress: true },
    gain: 0.2,
    ts: 1,
  });

  test('the whole space before anything was accepted, and again after barren cycles', () => {
    expect(advise(demo(), NOTHING_LEARNED).focus).toBeNull();
    const barren = advise(demo(), learned({ accepted: [accepted(64)], barren: 2 }));
    expect(barren.focus).toBeNull();
    expect(barren.points).toEqual([accepted(64).params]);
  });

  test('the box lies within the bounds, around what was accepted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 1024 }), fc.double({ min: 0, max: 1, noNaN: true })), {
          minLength: 1,
          maxLength: 8,
        }),
        (values) => {
          const { focus } = advise(demo(), learned({ accepted: values.map(([c, r]) => accepted(c, r)) }));
          const cache = focus?.cache ?? { low: 1, high: 1024 };
          expect(cache.low).toBeGreaterThanOrEqual(1);
          expect(cache.high).toBeLessThanOrEqual(1024);
          for (const [c] of values) {
            expect(c).toBeGreaterThanOrEqual(cache.low);
            expect(c).toBeLessThanOrEqual(cache.high);
          }
        },
      ),
    );
  });
});

describe('detectors', () => {
  const seen = (l: Learned, now = 100 * DAY) => ({
    name: 'demo',
    experiment: demo(),
    learned: l,
    now,
    rules: parseConfig().reflection,
    environment: HERE,
  });
  const level = (throughput: number, ts: number, version = 1) => ({ version, ts, metrics: { throughput } });

  test('say nothing when a search was made lately and nothing moved', () => {
    const calm = learned({ cycles: 2, lastCycleAt: 99 * DAY, levels: [level(100, 1), level(103, 2)] });
    expect(detect(seen(calm))).toEqual([]);
  });

  test.each([
    ['never searched', NOTHING_LEARNED, /never searched/],
    ['stale', learned({ cycles: 1, lastCycleAt: 80 * DAY }), /no cycle in demo for 20 days/],
    [
      'stagnation',
      learned({ cycles: 5, lastCycleAt: 99 * DAY, barren: 3 }),
      /3 cycles in a row found nothing/,
    ],
    [
      'drift',
      learned({ cycles: 2, lastCycleAt: 99 * DAY, levels: [level(100, 1), level(80, 2)] }),
      /moved by -20\.0 %/,
    ],
  ])('%s is noticed, with its reason', (_name, l, reason) => {
    expect(detect(seen(l))[0]?.reason).toMatch(reason);
  });

  test('another version measuring otherwise is no drift', () => {
    const l = learned({ cycles: 2, lastCycleAt: 99 * DAY, levels: [level(100, 1, 1), level(300, 2, 2)] });
    expect(detect(seen(l))).toEqual([]);
  });
});

describe('with a home', () => {
  let ctx: TestContext;
  beforeEach(async () => {
    ctx = await testContext({
      config: { experiments: { demo: experimentConfig(), other: experimentConfig() } },
    });
  });
  afterEach(() => ctx.cleanup());

  test('what is learned is kept, and told in the ledger', async () => {
    const params = { cache: 64, ratio: 0.5, mode: 'fast', compress: true };
    await ctx.db.transaction(async (tx) => {
      await learnFromCycle(tx, ctx, 'demo', {
        bestGain: 0.3,
        elapsedMs: 1000,
        baselineVersion: 0,
        baselineMetrics: { throughput: 9 },
        environment: HERE,
      });
      await learnFromVerdict(tx, ctx, 'demo', { accepted: true, params, gain: 0.2, searchScore: 0.3 });
    });
    expect(await readLearned(ctx.db, 'demo')).toMatchObject({
      cycles: 1,
      gainSum: 0.3,
      barren: 0,
      verdicts: 1,
      accepted: [{ params }],
    });
    expect((await readLearned(ctx.db, 'demo')).optimismSum).toBeCloseTo(0.1);
    await ctx.db.transaction((tx) => learnFromRollback(tx, ctx, 'demo', params));
    expect(await readLearned(ctx.db, 'demo')).toMatchObject({ rolledBack: 1, accepted: [] });
    expect(await readEvents(ctx.db, { kind: 'heuristics.learned' })).toHaveLength(3);
    expect(await chooseExperiment(ctx)).toEqual({ name: 'other', reason: 'never searched' });
  });

  test('reflection keeps within its budget of a day, and never drops an intent twice for one cause', async () => {
    const first = await reflect(ctx, () => HERE);
    expect(first.map((r) => r.experiment).toSorted()).toEqual(['demo', 'other']);
    expect(await reflect(ctx, () => HERE)).toEqual([]);
    ctx.clock.advance(30 * DAY);
    expect(await reflect(ctx, () => HERE), 'the cause is still the same').toEqual([]);
  });
});
