import { expect, test } from 'vitest';
import type { ScreeningPlan, StoredRequest, Subject } from '../../src/dream/cycle-store.ts';
import type { Evaluated } from '../../src/dream/evaluated.ts';
import { planSubjects } from '../../src/dream/plan-screening.ts';
import { concludeCycle } from '../../src/dream/result.ts';
import type { Judgement } from '../../src/dream/screening.ts';
import { parseConfig } from '../support/context.ts';

const parsed = parseConfig().experiments.demo;
if (!parsed) throw new Error('no demo experiment');
const experiment = parsed;
const params = { cache: 8, ratio: 0.5, mode: 'slow', compress: false };
const request: StoredRequest = {
  id: 'c',
  experiment: 'demo',
  origin: {},
  baseline: { version: 0, params },
  promotions: [],
  points: [],
  focus: null,
  trials: 10,
  durationMs: 1000,
  seed: 1,
  parallel: 1,
  experimentHash: '',
};

const subject = (cache: number, promotions: string[] = []): Subject => ({
  params: { ...params, cache },
  promotions,
  fitness: 0.1,
});

const judgement = (gain: number, gains: number[], ok = true): Judgement => ({
  ok,
  reason: ok ? 'better' : 'worse',
  gain,
  measured: gain,
  standardError: 0,
  pairs: 6,
  domains: {},
  gains,
  metrics: { throughput: 1, p99: 1 },
});

function conclude(subjects: Subject[], judgements: Judgement[]) {
  const plan: ScreeningPlan = {
    subjects,
    rejected: [],
    evaluated: 10,
    failed: 0,
    stopped: 0,
    diversity: 0.3,
    searchEnd: '10 configurations were tried',
  };
  return concludeCycle(experiment, request, new Map(), plan, judgements);
}

test('winners are those that passed, best first, without what another one beats in every objective', () => {
  const result = conclude(
    [subject(1), subject(2), subject(3), subject(4)],
    [
      judgement(0.25, [0.1, 0.1]),
      judgement(0.3, [0.6, 0]),
      judgement(0.2, [0.2, 0.2]),
      judgement(0.9, [0.9, 0.9], false),
    ],
  );
  expect(result.winners.map(({ changes }) => changes)).toEqual([{ cache: 2 }, { cache: 3 }]);
  expect(result.summary).toMatchObject({ bestGain: 0.3, best: { cache: 2 } });
});

test('a promotion that passed is screened and no winner; nothing that passed means no best', () => {
  const good = conclude(
    [subject(2, ['a', 'b']), subject(3, ['c'])],
    [judgement(0.3, [0.3]), judgement(0, [0], false)],
  );
  expect(good.winners).toEqual([]);
  expect(good.screened.map(({ id, gain }) => [id, gain])).toEqual([
    ['a', 0.3],
    ['b', 0.3],
  ]);
  expect(good.rejected).toEqual([{ id: 'c', reason: 'worse' }]);
  expect(conclude([subject(2)], [judgement(0, [0], false)]).summary).toMatchObject({
    bestGain: null,
    best: null,
  });
});

test('finalists are what the search thinks better than the baseline, sound, each once, no more than asked', () => {
  const evaluated: Evaluated[] = [
    {
      params: { ...params, cache: 99 },
      state: 'completed',
      score: { gains: [1], byDomain: new Map(), fitness: 1, violation: 0.2, broken: ['p99'] },
      trials: [],
    },
  ];
  const recommend = (cache: number, estimate: number) => ({
    params: { ...params, cache },
    estimate: [estimate],
  });
  const recommended = [
    recommend(99, 0.9),
    recommend(50, 0.5),
    recommend(50, 0.5),
    recommend(8, 0.4),
    recommend(40, 0.3),
    recommend(30, -0.1),
    recommend(5000, 0.2),
    recommend(20, 0.2),
    recommend(10, 0.1),
  ];
  const { subjects } = planSubjects(experiment, request, evaluated, recommended, 100);
  expect(subjects.map(({ params: p }) => p.cache)).toEqual([50, 40, 20]);
  expect(planSubjects(experiment, request, evaluated, recommended, 2).subjects.length).toBe(2);
  expect(planSubjects(experiment, request, evaluated, recommended, -5).subjects.length).toBe(1);
});
