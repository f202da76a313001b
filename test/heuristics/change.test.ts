import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { advise, adviseSearch } from '../../src/heuristics/advice.ts';
import { environmentChanges, inEnvironment } from '../../src/heuristics/decay.ts';
import { detect } from '../../src/heuristics/detectors.ts';
import { learnFromCycle, learnFromVerdict } from '../../src/heuristics/learn.ts';
import { reflect } from '../../src/heuristics/reflect.ts';
import { type Learned, NOTHING_LEARNED, readLearned } from '../../src/heuristics/state.ts';
import { transferred } from '../../src/heuristics/transfer.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { experimentConfig, parseConfig, type TestContext, testContext } from '../support/context.ts';

const HERE = { kernel: '6.1', cpu: 'zen4' };
const THERE = { kernel: '6.8', cpu: 'zen4' };
const DAY = 86_400_000;
const GOOD = { cache: 64, ratio: 0.5, mode: 'fast', compress: true };

const config = parseConfig({
  experiments: {
    demo: experimentConfig(),
    like: experimentConfig({
      parameters: {
        cache: { type: 'int', low: 1, high: 512, default: 4 },
        mode: { type: 'categorical', choices: ['slow', 'fast'], default: 'slow' },
        threads: { type: 'int', low: 1, high: 8, default: 1 },
      },
    }),
    unlike: experimentConfig({ parameters: { other: { type: 'float', low: 0, high: 1, default: 0 } } }),
  },
});
const experiment = (name: string) => {
  const found = config.experiments[name];
  if (!found) throw new Error(name);
  return found;
};
const learned = (over: Partial<Learned>): Learned => ({ ...NOTHING_LEARNED, environment: HERE, ...over });
const accepted = (params = GOOD) => ({ params, gain: 0.2, ts: 1 });
const look = (l: Learned, environment: Record<string, string> = HERE) =>
  detect({
    name: 'demo',
    experiment: experiment('demo'),
    learned: l,
    now: 100 * DAY,
    rules: config.reflection,
    environment,
  });
/** Of a search that was made lately and found something: no other detector speaks. */
const calm = { cycles: 4, lastCycleAt: 99 * DAY };

describe('another environment', () => {
  const known = learned({
    ...calm,
    gainSum: 1,
    elapsedMs: 1000,
    barren: 2,
    accepted: [accepted()],
    levels: [{ version: 1, ts: 1, metrics: {} }],
  });

  test('the same one, and the first one, change nothing', () => {
    expect(environmentChanges(null, HERE)).toEqual([]);
    expect(inEnvironment(known, { ...HERE })).toEqual(known);
    expect(inEnvironment({ ...known, environment: null }, HERE)).toEqual(known);
  });

  test('halves the gains, forgets the levels, and keeps what was accepted as points alone', () => {
    const decayed = inEnvironment(known, THERE);
    expect(decayed).toMatchObject({
      cycles: 2,
      gainSum: 0.5,
      elapsedMs: 500,
      barren: 0,
      levels: [],
      environment: THERE,
    });
    const advice = advise(experiment('demo'), decayed);
    expect(advice).toMatchObject({ points: [GOOD], focus: null });
    expect(advice.reason).toMatch(/environment changed/);
    expect(advise(experiment('demo'), { ...known, barren: 0 }).focus).not.toBeNull();
  });

  test('asks for a search, with what changed, once', () => {
    const [found] = look(known, THERE);
    expect(found).toMatchObject({
      type: 'trigger_dream',
      reason: 'the environment of demo changed: kernel',
      evidence: { kernel: { before: '6.1', now: '6.8' } },
      data: { experiment: 'demo', evidence: { kernel: { before: '6.1', now: '6.8' } } },
    });
    expect(look(inEnvironment(known, THERE), THERE)).toEqual([]);
  });
});

describe('points of like experiments', () => {
  test('are translated to the parameters that both have, within the bounds of this one', () => {
    const of = (params: typeof GOOD) =>
      transferred(experiment('like'), [{ name: 'demo', learned: learned({ accepted: [accepted(params)] }) }])
        .points;
    expect(of(GOOD)).toEqual([{ cache: 64, mode: 'fast', threads: 1 }]);
    expect(of({ ...GOOD, cache: 1024 })).toEqual([]);
    expect(of({ ...GOOD, cache: 4, mode: 'slow' }), 'the defaults').toEqual([]);
  });

  test('never come from what is not alike, are few, and are no reason to look nowhere else', () => {
    const many = Array.from({ length: 8 }, (_, i) => accepted({ ...GOOD, cache: 10 + i }));
    const others = [{ name: 'demo', learned: learned({ accepted: many }) }];
    expect(transferred(experiment('unlike'), others).points).toEqual([]);
    const advice = advise(experiment('like'), NOTHING_LEARNED, others);
    expect(advice.points).toHaveLength(3);
    expect(advice.points[0]).toMatchObject({ cache: 17 });
    expect(advice.focus).toBeNull();
    expect(advice.reason).toContain('with points of demo');
  });

  test('give way to what the experiment knows itself', () => {
    const own = { cache: 9, mode: 'slow', threads: 2 };
    const others = [{ name: 'demo', learned: learned({ accepted: [accepted()] }) }];
    const advice = advise(
      experiment('like'),
      learned({ accepted: [{ params: own, gain: 0.1, ts: 1 }] }),
      others,
    );
    expect(advice.points).toEqual([own]);
  });
});

describe('detectors', () => {
  test('a domain that keeps rejecting is named; mixed rejections and a few are chance', () => {
    const rejectedIn = (...domains: string[]) =>
      look(learned({ ...calm, verdicts: domains.length, rejectedIn: domains }));
    expect(rejectedIn('write', 'write')).toEqual([]);
    expect(rejectedIn('write', 'read', 'write', 'write')).toEqual([]);
    expect(rejectedIn('write', 'write', 'write', '')).toEqual([]);
    const [found] = rejectedIn('read', 'write', 'write', 'write');
    expect(found).toMatchObject({ evidence: { domain: 'write', streak: 3 } });
    const [again] = rejectedIn('read', 'write', 'write', 'write', 'write');
    expect(again?.cause, 'one more of the same is no new cause').toBe(found?.cause);
  });

  test('noise that rose asks for an epoch; a single epoch before is no measure', () => {
    const noise = (...values: number[]) =>
      look(learned({ ...calm, noise: values.map((detectable, ts) => ({ ts, detectable })) }));
    expect(noise(0.01, 0.1)).toEqual([]);
    expect(noise(0.02, 0.01, 0.02, 0.03)).toEqual([]);
    expect(noise(0.02, 0.01, 0.02, 0.09)[0]).toMatchObject({
      type: 'trigger_phase',
      reason: 'the noise in demo rose: gains below 9.0 % are not seen any more (2.0 % before)',
      evidence: { detectable: 0.09, before: 0.02 },
    });
  });
});

describe('with a home', () => {
  let ctx: TestContext;
  beforeEach(async () => {
    ctx = await testContext({ config: { experiments: { demo: experimentConfig() } } });
  });
  afterEach(() => ctx.cleanup());

  const cycle = (environment: Record<string, string>) =>
    ctx.db.transaction((tx) =>
      learnFromCycle(tx, ctx, 'demo', {
        bestGain: 0.2,
        elapsedMs: 1000,
        baselineVersion: 0,
        baselineMetrics: { throughput: 9 },
        environment,
      }),
    );

  test('a cycle elsewhere lets what was learned decay, and says so in the ledger', async () => {
    await cycle(HERE);
    await ctx.db.transaction((tx) =>
      learnFromVerdict(tx, ctx, 'demo', {
        accepted: true,
        params: GOOD,
        gain: 0.2,
        searchScore: null,
        detectable: 0.03,
      }),
    );
    expect((await adviseSearch(ctx, 'demo', HERE)).focus).not.toBeNull();
    expect((await adviseSearch(ctx, 'demo', THERE)).focus).toBeNull();
    await cycle(THERE);
    expect(await readLearned(ctx.db, 'demo')).toMatchObject({
      cycles: 2,
      gainSum: 0.1 + 0.2,
      accepted: [{ params: GOOD, stale: true }],
      noise: [],
      environment: THERE,
    });
    const [, , last] = await readEvents(ctx.db, { kind: 'heuristics.learned' });
    expect(last?.data).toMatchObject({ from: 'cycle', decayed: ['kernel'] });
  });

  test('a cause that was used gives way to the next one of the experiment', async () => {
    await cycle(HERE);
    const kinds = async (environment: Record<string, string>) =>
      (await reflect(ctx, () => environment)).map((r) => r.cause.split(':')[0]);
    expect(await kinds(THERE)).toEqual(['environment']);
    ctx.clock.advance(30 * DAY);
    expect(await kinds(THERE)).toEqual(['stale']);
    expect(await kinds(THERE)).toEqual([]);
  });
});
