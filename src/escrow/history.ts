import type { Parameter, ParameterValue } from '../config/schema.ts';
import { stepShare } from './changes.ts';
import type { Demotion, PastVersion } from './types.ts';

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Two values of a number that lie closer than this share of its range are the same to a flap. */
const SAME = 0.02;

type Value = ParameterValue | null;

const same = (parameter: Parameter, a: Value, b: Value) =>
  a === b || (typeof a === 'number' && typeof b === 'number' && stepShare(parameter, a, b) <= SAME);

const valueIn = (version: PastVersion, name: string): Value => version.params[name] ?? null;

/** The steps that promotions took since `since`, as a sum of shares of the range. A roll-back is no step of its own. */
function walked(parameter: Parameter, name: string, versions: readonly PastVersion[], since: number): number {
  let sum = 0;
  for (const [i, version] of versions.entries()) {
    const before = versions[i - 1];
    if (!before || version.kind !== 'promotion' || version.ts <= since) continue;
    sum += stepShare(parameter, valueIn(before, name), valueIn(version, name));
  }
  return sum;
}

const percent = (share: number) => `${Math.round(share * 1000) / 10} %`;

/**
 * Why a step of one parameter is too much for a day or a week, with those that went before. Pure.
 * @param versions oldest first, up to the one in force
 * @param step share of the range, 0 to 1
 */
export function overLimits(
  parameter: Parameter,
  name: string,
  step: number,
  versions: readonly PastVersion[],
  now: number,
): string[] {
  const limits = [
    [parameter.max_step_day, DAY_MS, 'a day'],
    [parameter.max_step_week, WEEK_MS, 'a week'],
  ] as const;
  return limits.flatMap(([most, length, words]) => {
    if (most === undefined) return [];
    const sum = step + walked(parameter, name, versions, now - length);
    // Sums of shares are not exact: three thirds are one.
    if (sum <= most * (1 + 1e-9)) return [];
    return [
      `the steps of ${name} within ${words}, ${percent(sum)} of its range, are beyond ${percent(most)}`,
    ];
  });
}

/**
 * The version whose value a change would bring back after another one was in force since: A→B→A within the last
 * `within` versions; null when it does not flap. Versions before a person raised the parameter do not count. Pure.
 * @param versions oldest first, up to the one in force
 */
export function flapsBackTo(
  parameter: Parameter,
  name: string,
  to: Value,
  versions: readonly PastVersion[],
  within: number,
  demotion: Demotion | undefined,
): number | null {
  const current = versions.at(-1);
  if (within === 0 || !current || same(parameter, valueIn(current, name), to)) return null;
  const raisedAt = demotion?.version === null ? demotion.ts : Number.NEGATIVE_INFINITY;
  const counted = versions
    .slice(0, -1)
    .slice(-within)
    .filter((v) => v.ts >= raisedAt);
  return counted.findLast((v) => same(parameter, valueIn(v, name), to))?.version ?? null;
}
