import type { ParameterValue } from '../config/schema.ts';
import type { Baseline } from './types.ts';

/** A parameter whose value is not the same in two baselines; null where it has none. */
export interface Difference {
  readonly experiment: string;
  readonly parameter: string;
  readonly from: ParameterValue | null;
  readonly to: ParameterValue | null;
}

const union = (a: object = {}, b: object = {}) => [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();

/** What differs between two baselines, by experiment and parameter. Pure. */
export function diffBaselines(a: Pick<Baseline, 'params'>, b: Pick<Baseline, 'params'>): Difference[] {
  return union(a.params, b.params).flatMap((experiment) => {
    const [before, after] = [a.params[experiment], b.params[experiment]];
    return union(before, after)
      .map((parameter) => ({
        experiment,
        parameter,
        from: before?.[parameter] ?? null,
        to: after?.[parameter] ?? null,
      }))
      .filter(({ from, to }) => from !== to);
  });
}
