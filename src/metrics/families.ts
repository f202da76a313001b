import { CATALOGUE, definitionOf, type LabelValues, type MetricDefinition } from './catalogue.ts';
import type { Labels, MetricValue } from './counters.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** In a histogram: which of its series. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

/** A metric with all its series. */
export interface Family {
  readonly name: string;
  readonly definition: MetricDefinition;
  readonly samples: readonly Sample[];
}

/** Takes the place of a label value that is not one of ours. */
const OTHER = 'other';
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

function safeValue(value: string | undefined, allowed: LabelValues): string {
  const known = typeof allowed === 'string' ? NAME.test(value ?? '') : allowed.includes(value ?? '');
  return known && value !== undefined ? value : OTHER;
}

/** Exactly the labels of the definition, none with a text from outside. */
function safeLabels(labels: Labels, { labels: allowed }: MetricDefinition): Labels {
  return Object.fromEntries(
    Object.entries(allowed).map(([name, values]) => [name, safeValue(labels[name], values)]),
  );
}

/** Every combination of label values that can be known before it occurs; experiments are those configured. */
function expected({ labels }: MetricDefinition, experiments: readonly string[]): Labels[] {
  return Object.entries(labels).reduce<Labels[]>(
    (all, [name, values]) => {
      const known = values === 'experiment' ? experiments : typeof values === 'string' ? [] : values;
      return all.flatMap((one) => known.map((value) => ({ ...one, [name]: value })));
    },
    [{}],
  );
}

const keyOf = (labels: Labels) => JSON.stringify(Object.entries(labels).sort());

/** Sums by label set: what is folded into one series is added up. */
class Sums {
  readonly #sums = new Map<string, { labels: Labels; value: number }>();

  add(labels: Labels, value: number): void {
    const key = keyOf(labels);
    const sum = this.#sums.get(key);
    if (sum) sum.value += value;
    else this.#sums.set(key, { labels, value });
  }

  samples(): Sample[] {
    return [...this.#sums.values()];
  }
}

function plainFamily(
  name: string,
  definition: MetricDefinition,
  values: readonly MetricValue[],
  experiments: readonly string[],
): Family {
  const sums = new Sums();
  if (definition.type === 'counter')
    for (const labels of expected(definition, experiments)) sums.add(labels, 0);
  for (const { labels, value } of values) sums.add(safeLabels(labels, definition), value);
  return { name, definition, samples: sums.samples() };
}

/** Cumulative buckets, sum and count of one series of a histogram. */
function histogramSeries(
  labels: Labels,
  edges: readonly number[],
  fell: (edge: string) => number,
  sum: number,
): Sample[] {
  let count = 0;
  const buckets = [...edges.map(String), '+Inf'].map((le): Sample => {
    count += fell(le);
    return { labels: { ...labels, le }, value: count, suffix: '_bucket' };
  });
  return [...buckets, { labels, value: sum, suffix: '_sum' }, { labels, value: count, suffix: '_count' }];
}

function histogramFamily(
  name: string,
  definition: MetricDefinition,
  byName: ReadonlyMap<string, readonly MetricValue[]>,
  experiments: readonly string[],
): Family {
  const series = new Map<string, { labels: Labels; fell: Map<string, number>; sum: number }>();
  const of = (from: Labels) => {
    const labels = safeLabels(from, definition);
    const key = keyOf(labels);
    const found = series.get(key) ?? { labels, fell: new Map<string, number>(), sum: 0 };
    series.set(key, found);
    return found;
  };
  for (const labels of expected(definition, experiments)) of(labels);
  const edges = definition.buckets ?? [];
  for (const { labels, value } of byName.get(`${name}_bucket`) ?? []) {
    const { fell } = of(labels);
    // A bucket of an earlier version, whose edge is gone, counts in the next one that is there.
    const edge = edges.find((upper) => Number(labels.le) <= upper);
    const le = edge === undefined ? '+Inf' : String(edge);
    fell.set(le, (fell.get(le) ?? 0) + value);
  }
  for (const { labels, value } of byName.get(`${name}_sum`) ?? []) of(labels).sum += value;
  const samples = [...series.values()].flatMap((s) =>
    histogramSeries(s.labels, edges, (le) => s.fell.get(le) ?? 0, s.sum),
  );
  return { name, definition, samples };
}

/**
 * Everything that is exported, in the order of the catalogue: values that are not of the catalogue are left out, label
 * values that are not ours become `other`, and every series that can be known beforehand is there.
 * @param experiments names of the configured experiments
 */
export function familiesOf(values: readonly MetricValue[], experiments: readonly string[]): Family[] {
  const byName = Map.groupBy(values, ({ name }) => name);
  return Object.keys(CATALOGUE).flatMap((name) => {
    const definition = definitionOf(name);
    if (!definition) return [];
    const family =
      definition.type === 'histogram'
        ? histogramFamily(name, definition, byName, experiments)
        : plainFamily(name, definition, byName.get(name) ?? [], experiments);
    return family.samples.length > 0 ? [family] : [];
  });
}
