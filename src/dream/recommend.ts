import type { Archive, Configuration } from './archive.ts';
import { type Model, Surrogate } from './model/surrogate.ts';
import { Prng } from './prng.ts';
import { ranked } from './ranking.ts';
import type { Point, Space } from './space.ts';

/** A point with the values that it is believed to have, smaller is better. */
export interface Believed {
  readonly point: Point;
  readonly estimate: readonly number[];
}

const FEWEST_ROWS = 4;

/**
 * The best of what the search evaluated itself (not of its history), best first. Under noise the order is that of a
 * Gaussian process's means, which shrinks a lucky draw towards its neighbours.
 */
export function recommended(space: Space, archive: Archive, noise: boolean, count: number): Believed[] {
  const own = archive.configurations.filter((c) => c.mean !== null && c.evaluations.some((e) => e.id >= 0));
  const kept = own.filter((c) => c.violation === 0);
  if (noise && archive.objectives === 1 && kept.length >= FEWEST_ROWS) {
    const model = new Surrogate(space, true).model(archive, new Prng(0));
    const modelled = new Set(model.rows.map((row) => row.point.key));
    const believed = kept.filter((c) => modelled.has(c.point.key)).map((c) => believedOf(model, c));
    return believed.sort((a, b) => (a.estimate[0] ?? 0) - (b.estimate[0] ?? 0)).slice(0, count);
  }
  return ranked(own).slice(0, count).map(measured);
}

function measured({ point, mean }: Configuration): Believed {
  return { point, estimate: mean ?? [] };
}

function believedOf(model: Model, { point }: Configuration): Believed {
  return { point, estimate: [unwarped(model, model.process.meanAt(point.unit))] };
}

/** From the scale of the targets back to that of the losses: linear between the two rows around, and beyond the ends. */
function unwarped({ targets, losses }: Model, target: number): number {
  const order = Array.from(targets.keys()).sort((a, b) => (targets[a] ?? 0) - (targets[b] ?? 0));
  const next = order.findIndex((i) => (targets[i] ?? 0) >= target);
  const upper = order[next === -1 ? order.length - 1 : Math.max(1, next)] ?? 0;
  const lower = order[next === -1 ? order.length - 2 : Math.max(0, next - 1)] ?? 0;
  const [t0, t1] = [targets[lower] ?? 0, targets[upper] ?? 0];
  const [l0, l1] = [losses[lower] ?? 0, losses[upper] ?? 0];
  const share = t1 > t0 ? (target - t0) / (t1 - t0) : 0;
  return l0 + share * (l1 - l0);
}
