import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../src/metrics/catalogue.ts';
import type { MetricValue } from '../../src/metrics/counters.ts';
import { exposition, formatFor } from '../../src/metrics/exposition.ts';

const trials = (labels: Record<string, string>, value = 1): MetricValue => ({
  name: 'kloros_trials_total',
  labels: { role: 'search', state: 'completed', ...labels },
  value,
});
const lines = (text: string, start: string) => text.split('\n').filter((line) => line.startsWith(start));

/** One sample a line: name, labels without an escape, a number. */
const SAMPLE =
  /^kloros_[a-z0-9_]+(\{[a-z]+="[A-Za-z0-9_.+-]*"(,[a-z]+="[A-Za-z0-9_.+-]*")*\})? (\d|-|Nan|\+Inf)\S*$/;

describe('the exposition', () => {
  test('has every series of a counter from the start, with 0', async () => {
    const text = await exposition([], ['demo'], 'text');
    expect(text).toContain('kloros_phase_epochs_total{result="failed"} 0\n');
    expect(text).toContain('kloros_dream_cycles_total{experiment="demo",result="timeout"} 0\n');
    expect(lines(text, 'kloros_trials_total')).toHaveLength(18);
  });

  test('adds the buckets of a histogram up', async () => {
    const kept = (suffix: string, value: number, le?: string): MetricValue => ({
      name: `kloros_tick_duration_seconds${suffix}`,
      labels: le === undefined ? {} : { le },
      value,
    });
    const values = [
      kept('_bucket', 2, '0.05'),
      kept('_bucket', 3, '0.5'),
      kept('_bucket', 1, '+Inf'),
      kept('_sum', 99),
    ];
    const text = await exposition(values, [], 'text');
    expect(lines(text, 'kloros_tick_duration_seconds_bucket').map((l) => Number(l.split(' ')[1]))).toEqual([
      0, 0, 2, 2, 2, 5, 5, 5, 5, 5, 5, 5, 6,
    ]);
    expect(text).toContain('kloros_tick_duration_seconds_sum 99\n');
    expect(text).toContain('kloros_tick_duration_seconds_count 6\n');
  });

  test('counts a bucket whose edge is gone in the next one that is there', async () => {
    const values = [{ name: 'kloros_tick_duration_seconds_bucket', labels: { le: '0.07' }, value: 4 }];
    const text = await exposition(values, [], 'text');
    expect(text).toContain('kloros_tick_duration_seconds_bucket{le="0.05"} 0\n');
    expect(text).toContain('kloros_tick_duration_seconds_bucket{le="0.1"} 4\n');
  });

  test.each([
    ['a quote and a brace', 'x"} 1\nkloros_kill_switch{a="'],
    ['a line', 'demo\nkloros_kill_switch 1'],
    ['a backslash', 'demo\\'],
    ['NUL', 'de\u0000mo'],
    ['a lone surrogate', '\ud800'],
    ['what reads from the right', '\u202eomed'],
    ['a thousand letters', 'x'.repeat(1000)],
    ['nothing', ''],
  ])('folds a hostile label with %s into other', async (_what, experiment) => {
    for (const format of ['text', 'openmetrics'] as const) {
      const text = await exposition([trials({ experiment }, 5)], ['demo'], format);
      expect(text).toContain('kloros_trials_total{experiment="other",role="search",state="completed"} 5\n');
      expect(lines(text, 'kloros_kill_switch')).toEqual([]);
      expect(text).toContain('kloros_trials_total{experiment="demo",role="search",state="completed"} 0\n');
    }
  });

  test('sums what is folded together, and leaves out what is not in the catalogue', async () => {
    const values = [
      trials({ experiment: '!' }, 2),
      trials({ experiment: '?' }, 3),
      { name: 'kloros_not_ours', labels: {}, value: 1 },
      { name: 'constructor', labels: {}, value: 1 },
    ];
    const text = await exposition(values, [], 'text');
    expect(lines(text, 'kloros_trials_total')).toEqual([
      'kloros_trials_total{experiment="other",role="search",state="completed"} 5',
    ]);
    expect(text).not.toContain('not_ours');
    expect(text).not.toContain('constructor');
  });

  test('stays one sample a line whatever the labels are', async () => {
    const labels = fc.dictionary(
      fc.constantFrom('experiment', 'role', 'state', 'le', '__proto__', 'x'),
      fc.string({ unit: 'binary' }),
    );
    const name = fc.constantFrom(...Object.keys(CATALOGUE), 'kloros_tick_duration_seconds_bucket');
    const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ name, labels, value }), { maxLength: 20 }), async (values) => {
        const text = await exposition(values as MetricValue[], ['demo'], 'text');
        const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('# '));
        for (const line of samples) expect(line).toMatch(SAMPLE);
        expect(new Set(samples.map((line) => line.split(' ')[0])).size).toBe(samples.length);
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    [undefined, 'text'],
    ['*/*', 'text'],
    ['text/plain', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0, text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'openmetrics'],
    ['application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.9', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-textile', 'text'],
  ])('Accept %s gets %s', (accept, format) => {
    expect(formatFor(accept)).toBe(format);
  });

  test('ends OpenMetrics with its mark, and names a counter there without its suffix', async () => {
    const text = await exposition([], [], 'openmetrics');
    expect(text.endsWith('# EOF\n')).toBe(true);
    expect(text).toContain('# TYPE kloros_recoveries counter\nkloros_recoveries_total 0\n');
  });
});
