import type { Dimension } from './dimension.ts';
import type { Point } from './space.ts';

/** Mean over the dimensions of how far two points are apart: 0 equal to 1; choices are either equal or not. */
export function distance(dimensions: readonly Dimension[], a: Point, b: Point): number {
  let sum = 0;
  for (let i = 0; i < dimensions.length; i++) {
    if (a.active[i] !== b.active[i]) sum += 1;
    else if (a.active[i] === 1) {
      const apart = Math.abs((a.unit[i] ?? 0) - (b.unit[i] ?? 0));
      sum += dimensions[i]?.kind === 'choice' ? Number(apart > 0) : apart;
    }
  }
  return sum / dimensions.length;
}

/** Mean distance of all pairs: 0 for a collapsed population, about a third for a uniform one of numbers. */
export function diversity(dimensions: readonly Dimension[], points: readonly Point[]): number {
  let sum = 0;
  let pairs = 0;
  points.forEach((a, i) => {
    for (const b of points.slice(i + 1)) {
      sum += distance(dimensions, a, b);
      pairs++;
    }
  });
  return pairs === 0 ? 0 : sum / pairs;
}
