import { type LogImprovement, logImprovement } from '../model/acquisition.ts';
import type { Prediction } from '../model/gaussian-process.ts';
import type { Model } from '../model/surrogate.ts';
import type { Prng } from '../prng.ts';
import type { Box, Point, Space } from '../space.ts';

const AFAR = 20;
const ANCHORS = 4;
const NEAR = 12;
const CLIMBERS = 2;
const STEPS = 16;

interface Candidate {
  readonly unit: Float64Array;
  readonly value: number;
}

/** Looks for the point of the largest expected improvement: many candidates, the best of them climbed. */
export class Hunt {
  readonly #space: Space;
  readonly #model: Model;
  readonly #box: Box | undefined;
  readonly #random: Prng;
  readonly #best: number;
  readonly #prediction: Prediction = { mean: 0, deviation: 1 };
  readonly #improvement: LogImprovement = { value: 0, byMean: 0, byDeviation: 0 };
  readonly #means: readonly number[];

  /** @param pending points under way, appended to the model's process */
  constructor(space: Space, model: Model, pending: readonly Point[], box: Box | undefined, random: Prng) {
    this.#space = space;
    this.#model = model;
    this.#box = box;
    this.#random = random;
    // What the model believes of its rows, not what was measured: under noise the luckiest draw is no yardstick.
    this.#means = model.rows.map((row) => model.process.meanAt(row.point.unit));
    // A point under way counts as reached: otherwise all others would improve on the same place again.
    this.#best = Math.min(...this.#means, ...pending.map((point) => model.process.meanAt(point.unit)));
  }

  /** Coordinates worth a trial, best first. */
  best(): Float64Array[] {
    const candidates = [...this.#afar(), ...this.#near()].map((unit) => this.#judged(unit));
    candidates.sort((a, b) => b.value - a.value);
    const climbed = candidates.slice(0, CLIMBERS).map((candidate) => this.#climbed(candidate));
    return [...climbed, ...candidates].sort((a, b) => b.value - a.value).map((c) => c.unit);
  }

  #judged(unit: Float64Array): Candidate {
    const { process } = this.#model;
    process.predict(unit, this.#prediction);
    this.#judge();
    return { unit, value: this.#improvement.value };
  }

  #judge(): void {
    const { mean, deviation } = this.#prediction;
    logImprovement(this.#best, mean, deviation, this.#improvement);
  }

  *#afar(): Generator<Float64Array> {
    for (let i = 0; i < AFAR; i++) yield this.#space.sample(this.#random, this.#box).unit;
  }

  /** Around the best rows: some coordinates moved, far ones less where the function changes fast. */
  *#near(): Generator<Float64Array> {
    const order = Array.from(this.#means.keys()).sort(
      (a, b) => (this.#means[a] ?? 0) - (this.#means[b] ?? 0),
    );
    const n = this.#space.dimensions.length;
    for (const index of order.slice(0, ANCHORS))
      for (let i = 0; i < NEAR; i++) {
        const unit = (this.#model.rows[index]?.point.unit ?? new Float64Array(n)).slice();
        const reach = 0.5 ** this.#random.int(6);
        const share = Math.max(1.5 / n, this.#random.next());
        this.#perturb(unit, reach, share);
        yield this.#space.fromUnit(unit).unit;
      }
  }

  #perturb(unit: Float64Array, reach: number, share: number): void {
    const always = this.#random.int(unit.length);
    this.#space.dimensions.forEach((dimension, d) => {
      if (d !== always && this.#random.next() >= share) return;
      if (dimension.kind === 'choice') {
        if (d === always || this.#random.next() < 0.3) unit[d] = this.#random.next();
        return;
      }
      const length = Math.min(1, Math.exp(this.#model.lengths[d] ?? 0));
      const width = Math.max(reach * length * 0.5, dimension.kind === 'ordered' ? 0.7 / dimension.levels : 0);
      unit[d] = this.#bounded(d, (unit[d] ?? 0) + width * this.#random.normal());
    });
  }

  #bounded(d: number, x: number): number {
    return Math.min(this.#box?.high[d] ?? 1, Math.max(this.#box?.low[d] ?? 0, x));
  }

  /** Climbs the numbers along the slope and the other dimensions level by level. */
  #climbed(start: Candidate): Candidate {
    let best = this.#alongSlope(start);
    best = this.#alongLevels(best);
    return best;
  }

  #alongSlope(start: Candidate): Candidate {
    const { process } = this.#model;
    const n = start.unit.length;
    const at = start.unit.slice();
    const dMean = new Float64Array(n);
    const dDeviation = new Float64Array(n);
    const before = new Float64Array(n);
    const pace = new Float64Array(n);
    for (let d = 0; d < n; d++) pace[d] = 0.05 * Math.min(1, Math.exp(this.#model.lengths[d] ?? 0));
    let best = start;
    for (let step = 0; step < STEPS; step++) {
      process.predictWithSlope(at, this.#prediction, dMean, dDeviation);
      this.#judge();
      const { value, byMean, byDeviation } = this.#improvement;
      if (value > best.value) best = { unit: at.slice(), value };
      for (let d = 0; d < n; d++) {
        if (this.#space.dimensions[d]?.kind === 'choice') continue;
        const slope = byMean * (dMean[d] as number) + byDeviation * (dDeviation[d] as number);
        const turn = slope * (before[d] as number);
        if (turn > 0) pace[d] = (pace[d] as number) * 1.4;
        if (turn < 0) pace[d] = (pace[d] as number) * 0.4;
        const moved = (at[d] as number) + Math.sign(slope) * (pace[d] as number);
        at[d] = this.#bounded(d, moved);
        before[d] = slope;
      }
    }
    if (best === start) return start;
    const snapped = this.#space.fromUnit(best.unit).unit;
    return this.#space.dimensions.every((d) => d.kind === 'real') ? best : this.#judged(snapped);
  }

  #alongLevels(start: Candidate): Candidate {
    let best = start;
    this.#space.dimensions.forEach((dimension, d) => {
      if (dimension.kind === 'real' || dimension.levels < 2) return;
      const at = best.unit[d] ?? 0;
      const moves =
        dimension.kind === 'choice'
          ? Array.from({ length: dimension.levels }, (_, k) => (k + 0.5) / dimension.levels)
          : [at - 1 / dimension.levels, at + 1 / dimension.levels];
      for (const to of moves) {
        if (to < 0 || to > 1 || to === at) continue;
        const unit = best.unit.slice();
        unit[d] = to;
        const candidate = this.#judged(this.#space.fromUnit(unit).unit);
        if (candidate.value > best.value) best = candidate;
      }
    });
    return best;
  }
}
