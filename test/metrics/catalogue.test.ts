import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CATALOGUE, definitionOf, type MetricDefinition } from '../../src/metrics/catalogue.ts';
import { OUTCOME_EXIT } from '../../src/tick/outcomes.ts';

const src = join(import.meta.dirname, '../../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
const all: [string, MetricDefinition][] = Object.entries(CATALOGUE);

/** Every call that keeps a metric, with the name and the labels that it writes. */
const calls = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8');
  const found = text.matchAll(
    /\b(addCounter|setGauge|observe)\(\s*[a-zA-Z]+,\s*'([^']*)'(?:,\s*(?:\{([^}]*)\}|([a-zA-Z]+)))?/g,
  );
  return [...found].map(([, how, name, labels]) => ({ file, how, name: name ?? '', labels }));
});

describe('the catalogue of metrics', () => {
  test('names every metric that the code keeps, with its type and labels', () => {
    expect(calls.length).toBeGreaterThan(20);
    const type = { addCounter: 'counter', setGauge: 'gauge', observe: 'histogram' } as const;
    for (const { file, how, name, labels } of calls) {
      const definition = definitionOf(name);
      expect(definition, `${file}: ${name}`).toMatchObject({
        type: type[how as keyof typeof type],
        source: 'kept',
      });
      if (labels === undefined) continue;
      const used = labels.split(',').flatMap((part) => part.split(':')[0]?.trim() || []);
      expect(used.sort(), `${file}: ${name}`).toEqual(Object.keys(definition?.labels ?? {}).sort());
    }
  });

  test('has no kept metric that nothing keeps', () => {
    const kept = all.filter(([, { source }]) => source === 'kept').map(([name]) => name);
    expect(kept.filter((name) => !calls.some((call) => call.name === name))).toEqual([]);
  });

  test('has no computed metric that nothing computes', () => {
    const text = readFileSync(join(src, 'tick/gauges.ts'), 'utf8');
    const computed = all.filter(([, { source }]) => source === 'computed').map(([name]) => name);
    expect(computed.filter((name) => !text.includes(`'${name}'`))).toEqual([]);
  });

  test.each(all)('%s is named as Prometheus names metrics', (name, { type, unit, help, labels, buckets }) => {
    expect(name).toMatch(/^kloros_[a-z][a-z0-9_]*[a-z0-9]$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    if (unit !== undefined) expect(name.endsWith(`_${unit}`)).toBe(true);
    expect(help).toMatch(/\.$/);
    for (const label of Object.keys(labels)) expect(label).toMatch(/^[a-z]+$/);
    expect(buckets === undefined).toBe(type !== 'histogram');
    expect([...(buckets ?? [])].sort((a, b) => a - b)).toEqual([...(buckets ?? [])]);
  });

  test('knows every outcome of a tick', () => {
    expect([...CATALOGUE.kloros_ticks_total.labels.outcome].sort()).toEqual(Object.keys(OUTCOME_EXIT).sort());
  });
});
