import type { Configuration } from './archive.ts';

/**
 * Configurations, best first: those that keep the constraint metrics before those that do not (by how much), failed
 * ones last; several objectives by non-dominated fronts and crowding (NSGA-II: Deb et al., 2002).
 */
export function ranked(configurations: readonly Configuration[]): Configuration[] {
  const kept = configurations.filter((c) => c.mean !== null && c.violation === 0);
  const broken = configurations.filter((c) => c.mean !== null && c.violation > 0);
  const failed = configurations.filter((c) => c.mean === null);
  const objectives = kept[0]?.mean?.length ?? 1;
  const best = objectives === 1 ? [...kept].sort((a, b) => first(a) - first(b)) : byFronts(kept).flat();
  return [...best, ...broken.sort((a, b) => a.violation - b.violation), ...failed];
}

function first(configuration: Configuration): number {
  return configuration.mean?.[0] ?? Infinity;
}

/** The fronts of the means, best first; within a front the least crowded first. */
export function byFronts(configurations: readonly Configuration[]): Configuration[][] {
  const fronts: Configuration[][] = [];
  let left = [...configurations];
  while (left.length > 0) {
    const front = left.filter((a) => !left.some((b) => dominates(b.mean ?? [], a.mean ?? [])));
    fronts.push(byCrowding(front));
    const taken = new Set(front);
    left = left.filter((c) => !taken.has(c));
  }
  return fronts;
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false;
  for (let k = 0; k < a.length; k++) {
    const x = a[k] ?? Infinity;
    const y = b[k] ?? Infinity;
    if (x > y) return false;
    if (x < y) better = true;
  }
  return better;
}

function byCrowding(front: readonly Configuration[]): Configuration[] {
  const distance = new Map<Configuration, number>(front.map((c) => [c, 0]));
  const objectives = front[0]?.mean?.length ?? 0;
  for (let k = 0; k < objectives; k++) {
    const at = (c: Configuration | undefined) => c?.mean?.[k] ?? 0;
    const sorted = [...front].sort((a, b) => at(a) - at(b));
    const range = at(sorted.at(-1)) - at(sorted[0]) || 1;
    sorted.forEach((c, i) => {
      const edge = i === 0 || i === sorted.length - 1;
      const gap = edge ? Infinity : (at(sorted[i + 1]) - at(sorted[i - 1])) / range;
      distance.set(c, (distance.get(c) ?? 0) + gap);
    });
  }
  return [...front].sort((a, b) => (distance.get(b) ?? 0) - (distance.get(a) ?? 0));
}
