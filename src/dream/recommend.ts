import type { Archive, Configuration } from './archive.ts';
import { ranked } from './ranking.ts';
import type { Point, Space } from './space.ts';

/** A point with the values that it is believed to have, smaller is better. */
export interface Believed {
  readonly point: Point;
  readonly estimate: readonly number[];
}

/** The best of what the search evaluated itself (not of its history), best first. */
export function recommended(_space: Space, archive: Archive, _noise: boolean, count: number): Believed[] {
  const own = archive.configurations.filter((c) => c.mean !== null && c.evaluations.some((e) => e.id >= 0));
  return ranked(own).slice(0, count).map(measured);
}

function measured({ point, mean }: Configuration): Believed {
  return { point, estimate: mean ?? [] };
}
