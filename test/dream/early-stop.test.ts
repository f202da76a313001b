import { describe, expect, test } from 'vitest';
import { hopelessAfter, medianRule } from '../../src/dream/early-stop.ts';
import { scoreAgainst } from '../../src/dream/score.ts';
import { parseConfig } from '../support/context.ts';

const objective = { metric: 'x', direction: 'maximize' as const };
const curve = (...values: number[]) => values.map((x, i) => ({ step: i + 1, metrics: { x } }));

describe('the median stopping rule', () => {
  const finished = [1, 2, 3, 4, 5].map((slope) => curve(slope, 2 * slope, 3 * slope));

  test('stops a trial whose best so far is below the median of the means of the finished ones', () => {
    const rule = medianRule(finished, objective);
    expect(curve(3, 4.4).map(rule)).toEqual(['go-on', 'stop']);
    const better = medianRule(finished, objective);
    expect(curve(3, 4.6).map(better)).toEqual(['go-on', 'go-on']);
  });

  test('turns round for a metric that is to be small', () => {
    const rule = medianRule(finished, { ...objective, direction: 'minimize' });
    expect(curve(3, 9).map(rule)).toEqual(['go-on', 'go-on']);
    expect(curve(3.1).map(medianRule(finished, { ...objective, direction: 'minimize' }))).toEqual(['stop']);
  });

  test('stops nothing before five trials are known, nor on a step without the metric', () => {
    expect(curve(-100).map(medianRule(finished.slice(1), objective))).toEqual(['go-on']);
    expect(medianRule(finished, objective)({ step: 1, metrics: { y: -1 } })).toBe('go-on');
    expect(medianRule(finished, objective)({ step: 1, metrics: { x: Number.NaN } })).toBe('go-on');
  });
});

describe('a configuration measured in one domain', () => {
  const demo = parseConfig().experiments.demo;
  if (!demo) throw new Error('no demo experiment');
  const metrics = (throughput: number) => ({ throughput, p99: 10 });
  const base = new Map([
    ['read', metrics(100)],
    ['write', metrics(100)],
  ]);
  const score = (read: number, write?: number) =>
    scoreAgainst(
      demo,
      base,
      new Map([
        ['read', metrics(read)] as const,
        ...(write === undefined ? [] : [['write', metrics(write)] as const]),
      ]),
    );
  const finished = [100, 110, 120, 130, 140].map((x) => score(x, x));

  test('goes on as long as the best of the others elsewhere would put it into the better half', () => {
    expect(hopelessAfter(demo, score(104), finished)).toBeNull();
    expect(hopelessAfter(demo, score(102), finished)).not.toBeNull();
  });

  test('that is given up is told with the score it could have had at best, below the median', () => {
    const [told = Number.NaN] = hopelessAfter(demo, score(50), finished) ?? [];
    expect(told).toBeCloseTo((Math.log(0.5) + Math.log(1.4)) / 2, 4);
    expect(told).toBeLessThan(finished[2]?.fitness ?? 0);
  });

  test('is never given up before five others are finished', () => {
    expect(hopelessAfter(demo, score(1), finished.slice(1))).toBeNull();
  });
});
