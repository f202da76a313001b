import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Block, Metrics } from '../../src/phase/blocks.ts';
import type { Judged } from '../../src/phase/compare.ts';
import { fromShare, pairedEffect, toShare } from '../../src/phase/effect.ts';
import { judgeCandidate } from '../../src/phase/statistics.ts';
import type { CandidateVerdict } from '../../src/phase/types.ts';
import { experimentConfig, parseConfig, seededRandom } from '../support/context.ts';
import { BASE, normal } from './formula.ts';

type Over = Parameters<typeof experimentConfig>[0];

function judged(over: Over = {}): Judged {
  const config = parseConfig({ experiments: { demo: experimentConfig(over) } });
  return config.experiments.demo as Judged;
}

const candidate = { promotionId: 'p', experiment: 'demo', params: BASE, searchScore: 0.3 };
const rules = { minGain: 0.01, level: 0.05, look: { weight: 0.5 } };

interface Machine {
  readonly rounds?: number;
  readonly seed?: number;
  /** Relative effects of the candidate by domain, or in all. */
  readonly throughput?: number | Record<string, number>;
  readonly p99?: number | Record<string, number>;
  readonly noise?: number;
  readonly change?: (block: Block, random: () => number) => Block;
}

function measure({
  rounds = 12,
  seed = 1,
  throughput = 0,
  p99 = 0,
  noise = 0.02,
  change = (b) => b,
}: Machine): Block[] {
  const random = seededRandom(seed);
  const by = (effect: number | Record<string, number>, domain: string) =>
    typeof effect === 'number' ? effect : (effect[domain] ?? 0);
  const metrics = (t: number, p: number): Metrics => ({
    throughput: 1000 * (1 + t) * Math.exp(noise * normal(random)),
    p99: 5 * (1 + p) * Math.exp(noise * normal(random)),
  });
  const blocks: Block[] = [];
  for (let round = 0; round < rounds; round++)
    for (const domain of ['read', 'write']) {
      const better = metrics(by(throughput, domain), by(p99, domain));
      blocks.push(
        change(
          {
            experiment: 'demo',
            domain,
            round,
            baseline: metrics(0, 0),
            candidates: new Map([['p', better]]),
          },
          random,
        ),
      );
    }
  return blocks;
}

const judge = (machine: Machine, over: Over = {}): CandidateVerdict =>
  judgeCandidate(judged(over), candidate, measure(machine), rules);

describe('the four verdicts', () => {
  test('a gain with every guardrail kept is accepted, with effect, interval, pairs and what could be detected', () => {
    const v = judge({ throughput: 0.2 });
    expect(v).toMatchObject({ verdict: 'accept', promotionId: 'p', searchScore: 0.3 });
    expect(v.gain).toBeGreaterThan(0.15);
    expect(v.low).toBeGreaterThan(0);
    expect(v.low).toBeLessThan(0.2);
    expect(v.high).toBeGreaterThan(0.2);
    expect(v.pValue).toBeLessThanOrEqual(0.05);
    expect(v.detectable).toBeGreaterThan(0);
    expect(v.detectable).toBeLessThan(0.1);
    expect(v.comparisons.map((c) => [c.role, c.domain, c.metric, c.pairs])).toEqual([
      ['objective', '*', 'throughput', 12],
      ['objective', 'read', 'throughput', 12],
      ['objective', 'write', 'throughput', 12],
      ['guardrail', 'read', 'p99', 12],
      ['guardrail', 'write', 'p99', 12],
    ]);
  });

  test('no gain is inconclusive while it could be there, and rejected once it is shown not to be', () => {
    expect(judge({ noise: 0.05 }).verdict).toBe('inconclusive');
    expect(judge({ throughput: -0.1 }).verdict).toBe('reject');
    expect(judge({ noise: 0.002, rounds: 16 })).toMatchObject({
      verdict: 'reject',
      reason: expect.stringContaining('no gain'),
    });
  });

  test('a gain smaller than what is worth a change is not accepted', () => {
    expect(judge({ throughput: 0.005, noise: 0.002 }).verdict).not.toBe('accept');
  });

  test('too few rounds are inconclusive, however clear', () => {
    expect(judge({ throughput: 2, rounds: 4 })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('4 complete rounds'),
    });
    expect(judge({ throughput: 2, rounds: 5, noise: 0.01 }).verdict).toBe('accept');
  });

  test('nothing measured is inconclusive', () => {
    expect(judge({ rounds: 0 })).toMatchObject({
      verdict: 'inconclusive',
      gain: 0,
      low: null,
      high: null,
      detectable: null,
    });
  });

  test('a gain that one domain pays for is rejected', () => {
    const v = judge({ throughput: { read: 0.6, write: -0.1 } });
    expect(v).toMatchObject({ verdict: 'reject', reason: expect.stringContaining('write') });
  });
});

describe('guardrails', () => {
  test('a regression beyond the margin in one domain is never accepted, over seeds and sizes of gain', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.constantFrom('read', 'write'),
        (seed, throughput, domain) => {
          const v = judge({ seed, throughput, p99: { [domain]: 0.2 } });
          expect(v.verdict).toBe('reject');
          expect(v.reason).toContain(`p99 in ${domain}`);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a regression just at the margin is accepted at most as often as the level says', () => {
    const loops = 400;
    let accepted = 0;
    for (let seed = 1; seed <= loops; seed++)
      if (judge({ seed, throughput: 1, p99: { read: 0.1 }, noise: 0.05 }).verdict === 'accept') accepted += 1;
    process.stdout.write(`regressions of just the margin accepted: ${accepted} of ${loops}\n`);
    expect(accepted / loops).toBeLessThanOrEqual(0.05 + 3.1 * Math.sqrt((0.05 * 0.95) / loops));
  });

  test('one that cannot be told is inconclusive, and says what is not shown', () => {
    const v = judge({ throughput: 1, noise: 0.3, rounds: 6 });
    expect(v).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('guardrail: p99') });
  });

  test('an absolute limit holds too, whatever the baseline does', () => {
    const guardrails = [{ metric: 'p99', direction: 'minimize' as const, limit: 4 }];
    expect(judge({ throughput: 1 }, { guardrails })).toMatchObject({
      verdict: 'reject',
      reason: expect.stringContaining('the limit'),
    });
    expect(judge({ throughput: 1, p99: -0.4 }, { guardrails }).verdict).toBe('accept');
  });

  test('a metric that was nothing and is something is a regression', () => {
    const guardrails = [{ metric: 'errors', direction: 'minimize' as const, max_regression: 0.1 }];
    const errors =
      (value: number) =>
      (block: Block): Block => ({
        ...block,
        baseline: { ...block.baseline, errors: 0 },
        candidates: new Map([['p', { ...block.candidates.get('p'), errors: value }]]),
      });
    expect(judge({ throughput: 1, change: errors(1e-6) }, { guardrails }).verdict).toBe('reject');
    expect(judge({ throughput: 1, change: errors(0) }, { guardrails }).verdict).toBe('accept');
  });
});

describe('evidence that is missing never helps', () => {
  const lose =
    (share: number) =>
    (block: Block, random: () => number): Block =>
      random() < share ? { ...block, candidates: new Map([['p', null]]) } : block;

  test('one failed trial and it is inconclusive, two and it is rejected', () => {
    const fail =
      (rounds: number[]) =>
      (block: Block): Block =>
        block.domain === 'read' && rounds.includes(block.round)
          ? { ...block, candidates: new Map([['p', null]]) }
          : block;
    expect(judge({ throughput: 1, change: fail([3]) })).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('failed'),
    });
    expect(judge({ throughput: 1, change: fail([3, 4]) })).toMatchObject({
      verdict: 'reject',
      reason: expect.stringContaining('failed'),
    });
  });

  test('losing any of its own measurements never turns a verdict into an acceptance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: -0.3, max: 0.5, noNaN: true }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (seed, throughput, share) => {
          const lost = measure({ seed, throughput, change: lose(share) });
          if (lost.every((b) => b.candidates.get('p') !== null)) return;
          expect(judgeCandidate(judged(), candidate, lost, rules).verdict).not.toBe('accept');
        },
      ),
      { numRuns: 100 },
    );
  });

  test('where the baseline failed, the block compares nothing and is not held against the candidate', () => {
    const change = (block: Block): Block =>
      block.round < 3 ? { ...block, baseline: null, candidates: new Map([['p', null]]) } : block;
    const v = judge({ throughput: 0.5, change });
    expect(v.verdict).toBe('accept');
    expect(v.comparisons[0]?.pairs).toBe(9);
  });

  test('a round that lacks a domain makes no pair, so that a bad domain cannot be left out', () => {
    const change = (block: Block): Block => (block.domain === 'write' ? { ...block, baseline: null } : block);
    expect(judge({ throughput: { read: 1, write: -0.5 }, change })).toMatchObject({
      verdict: 'inconclusive',
      gain: 0,
    });
  });

  test('a domain that was never measured is inconclusive', () => {
    const blocks = measure({ throughput: 1 }).filter((block) => block.domain === 'read');
    expect(judgeCandidate(judged(), candidate, blocks, rules).verdict).toBe('inconclusive');
  });
});

describe('several objectives', () => {
  const two: Over = {
    objectives: [
      { metric: 'throughput', direction: 'maximize' },
      { metric: 'p99', direction: 'minimize' },
    ],
    guardrails: [],
  };
  test('better in one and no worse in the other is accepted', () => {
    expect(judge({ throughput: 0.3, p99: -0.2 }, two).verdict).toBe('accept');
    expect(judge({ throughput: 0.05, p99: -0.3 }, two).verdict).toBe('accept');
  });
  test('better in one and worse in the other is not', () => {
    expect(judge({ throughput: 0.3, p99: 0.1 }, two).verdict).toBe('reject');
    expect(judge({ throughput: 0.3, p99: 0, noise: 0.1 }, two).verdict).toBe('inconclusive');
  });
});

describe('effects', () => {
  const value = fc
    .double({ min: -1e6, max: 1e6, noNaN: true })
    .filter((x) => x === 0 || Math.abs(x) > 1e-300);

  test('turn with the order of the two, and are finite for any finite values', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const effect = pairedEffect(a, b, 'maximize');
        expect(Number.isFinite(effect)).toBe(true);
        expect(effect).toBeCloseTo(-pairedEffect(b, a, 'maximize'), 9);
        expect(effect).toBeCloseTo(-pairedEffect(a, b, 'minimize'), 9);
        expect(Math.sign(effect) === Math.sign(b - a) || Math.abs(b - a) <= 1e-9 * Math.abs(a)).toBe(true);
      }),
    );
  });

  test('are log-ratios of positive values, and shares of the baseline in words', () => {
    expect(toShare(pairedEffect(1000, 1100, 'maximize'), 'maximize')).toBeCloseTo(0.1, 4);
    expect(toShare(pairedEffect(10, 9, 'minimize'), 'minimize')).toBeCloseTo(0.1, 4);
    expect(toShare(pairedEffect(10, 12, 'minimize'), 'minimize')).toBeCloseTo(-0.2, 4);
    expect(toShare(pairedEffect(-5, -4, 'maximize'), 'maximize')).toBeCloseTo(0.25, 4);
    for (const direction of ['maximize', 'minimize'] as const)
      for (const share of [-0.5, -0.1, 0, 0.01, 0.7])
        expect(toShare(fromShare(share, direction), direction)).toBeCloseTo(share, 12);
  });
});
