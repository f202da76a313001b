/**
 * The first system's alerts subtracted a counter from the clock, compared a rate a second with a share, named a
 * histogram bare and asked for metrics that nobody exported. None of them could fire, or stop. That each of today's
 * does both is proved by promtool in test/ops; here stand the faults themselves.
 */
import { expect, test } from 'vitest';
import { definitionOf } from '../../src/metrics/catalogue.ts';
import { exportedNames, metricsIn, readRules } from '../ops/monitoring.ts';

const rules = readRules().map(({ alert, expr }) => [alert, expr] as const);

test.each(rules)('%s asks for nothing that is not exported', (_alert, expr) => {
  const exported = exportedNames();
  expect(metricsIn(expr).filter((name) => !exported.has(name))).toEqual([]);
});

test.each(rules)('%s subtracts only moments from the clock', (_alert, expr) => {
  const subtracted = [...expr.matchAll(/time\(\)\s*-\s*[a-z_(]*?(kloros_[a-z0-9_]+)/g)].map(
    ([, name]) => name,
  );
  for (const name of subtracted) expect(name).toMatch(/_timestamp_seconds$/);
});

test.each(rules)('%s compares no rate a second with a share', (_alert, expr) => {
  // A share is a ratio of two rates; one rate alone, of what happens once a minute, never comes near one.
  const bare = [...expr.matchAll(/(?<!\/\s*)rate\([^)]*\)\s*>\s*(0?\.\d+|[1-9])/g)].filter(
    ([whole]) => !whole.includes('/'),
  );
  expect(bare).toEqual([]);
});

test.each(rules)('%s names no histogram bare', (_alert, expr) => {
  for (const name of metricsIn(expr)) {
    const whole = definitionOf(name);
    if (whole?.type === 'histogram') expect(name).toMatch(/_(bucket|sum|count)$/);
  }
});
