import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logImprovement } from '../../../src/dream/model/acquisition.ts';
import { GaussianProcess } from '../../../src/dream/model/gaussian-process.ts';
import { priorsFor, Workspace } from '../../../src/dream/model/likelihood.ts';
import { warped } from '../../../src/dream/model/warp.ts';
import { Prng } from '../../../src/dream/prng.ts';

const CHOICE = Uint8Array.of(0, 0, 1);
const HYPER = { lengths: Float64Array.of(-0.7, 0.2, 0.5), noise: Math.log(0.01) };

function data(n: number, seed = 1) {
  const random = new Prng(seed);
  const points = Array.from({ length: n }, () =>
    Float64Array.of(random.next(), random.next(), (random.int(3) + 0.5) / 3),
  );
  const y = Float64Array.from(points, (p) => Math.sin(5 * (p[0] ?? 0)) + (p[1] ?? 0) ** 2 + (p[2] ?? 0));
  return { points, y };
}

const probe = Float64Array.of(0.37, 0.61, 0.5);
const moved = (d: number, by: number) => probe.with(d, (probe[d] ?? 0) + by);

describe('the Gaussian process', () => {
  it('meets noiseless data and is unsure far from them', () => {
    const { points, y } = data(25);
    const process = new GaussianProcess(points, y, CHOICE, { ...HYPER, noise: Math.log(1e-8) }, 0);
    const out = { mean: 0, deviation: 0 };
    process.predict(points[3] as Float64Array, out);
    expect(out.mean).toBeCloseTo(y[3] ?? Number.NaN, 4);
    const near = out.deviation;
    process.predict(Float64Array.of(5, 5, 0.5), out);
    expect(out.deviation).toBeGreaterThan(100 * near);
  });

  it('gives the slopes that differences give', () => {
    const { points, y } = data(25);
    const process = new GaussianProcess(points, y, CHOICE, HYPER, 0);
    const [dMean, dDeviation] = [new Float64Array(3), new Float64Array(3)];
    const at = (x: Float64Array) => {
      const out = { mean: 0, deviation: 0 };
      process.predictWithSlope(x, out, dMean, dDeviation);
      return out;
    };
    for (const d of [0, 1]) {
      const [low, high] = [at(moved(d, -1e-5)), at(moved(d, 1e-5))];
      at(probe);
      expect(dMean[d]).toBeCloseTo((high.mean - low.mean) / 2e-5, 4);
      expect(dDeviation[d]).toBeCloseTo((high.deviation - low.deviation) / 2e-5, 4);
    }
    expect([dMean[2], dDeviation[2]]).toEqual([0, 0]);
  });

  it('believes itself at an appended point: the mean stays, the deviation shrinks, and all is undone', () => {
    const { points, y } = data(20);
    const process = new GaussianProcess(points, y, CHOICE, HYPER, 1);
    const before = { mean: 0, deviation: 0 };
    const after = { mean: 0, deviation: 0 };
    process.predict(probe, before);
    expect(process.append(probe)).toBe(true);
    process.predict(probe, after);
    expect(after.mean).toBeCloseTo(before.mean, 9);
    expect(after.deviation).toBeLessThan(0.7 * before.deviation);
    expect(process.append(probe)).toBe(false);
    process.truncate(20);
    process.predict(probe, after);
    expect(after).toEqual(before);
  });

  it('grown point by point is the one built at once', () => {
    const { points, y } = data(20);
    const whole = new GaussianProcess(points, y, CHOICE, HYPER, 0);
    const grown = new GaussianProcess(points.slice(0, 12), y, CHOICE, HYPER, 8);
    for (const point of points.slice(12)) grown.append(point);
    grown.retarget(y);
    expect(grown.meanAt(probe)).toBe(whole.meanAt(probe));
  });

  it('copes with points that coincide', () => {
    const { points } = data(3);
    const same = [points[0], points[0], points[0]] as Float64Array[];
    const process = new GaussianProcess(same, [1, 2, 3], CHOICE, { ...HYPER, noise: Math.log(1e-12) }, 0);
    expect(process.meanAt(same[0] as Float64Array)).toBeCloseTo(2, 6);
  });
});

describe('the posterior of the hyperparameters', () => {
  it('has the slopes that differences give', () => {
    const { points, y } = data(18);
    const work = new Workspace(points, y, CHOICE, priorsFor(3, true));
    const at = Float64Array.of(-0.5, 0.3, 0.1, -3);
    const slope = new Float64Array(4);
    const scratch = new Float64Array(4);
    work.evaluate(at, slope);
    for (let k = 0; k < 4; k++) {
      const value = (by: number) => work.evaluate(at.with(k, (at[k] ?? 0) + by), scratch);
      expect(slope[k]).toBeCloseTo((value(1e-5) - value(-1e-5)) / 2e-5, 4);
    }
  });
});

describe('the logarithm of the expected improvement', () => {
  const of = (best: number, mean: number, deviation: number) => {
    const out = { value: 0, byMean: 0, byDeviation: 0 };
    logImprovement(best, mean, deviation, out);
    return out;
  };

  it('has the slopes that differences give, also where the improvement underflows', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -30, max: 5, noNaN: true }),
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        (z, s) => {
          const { byMean, byDeviation } = of(0, -z * s, s);
          const h = 1e-4;
          const slopes = [
            (of(0, -z * s + h, s).value - of(0, -z * s - h, s).value) / (2 * h),
            (of(0, -z * s, s + h).value - of(0, -z * s, s - h).value) / (2 * h),
          ];
          // The two forms meet at z = −6, where a difference across the seam says nothing.
          fc.pre(Math.abs(z + 6) > 0.1);
          const scale = Math.abs(byMean) + Math.abs(byDeviation) + 1;
          expect(Math.abs(byMean - (slopes[0] ?? 0)) / scale).toBeLessThan(0.05);
          expect(Math.abs(byDeviation - (slopes[1] ?? 0)) / scale).toBeLessThan(0.05);
        },
      ),
    );
  });
});

describe('warped values', () => {
  it('keep their order, are finite and of unit deviation, whatever their scale', () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      minLength: 2,
      maxLength: 60,
    });
    fc.assert(
      fc.property(values, (list) => {
        const out = warped(Float64Array.from(list));
        const order = Array.from(list.keys()).sort((a, b) => (list[a] ?? 0) - (list[b] ?? 0));
        order.slice(1).forEach((next, i) => {
          expect(out[next]).toBeGreaterThanOrEqual(out[order[i] ?? 0] ?? Number.NaN);
        });
        expect(out.every(Number.isFinite)).toBe(true);
        expect(Math.max(...out.map(Math.abs))).toBeLessThan(20);
      }),
    );
  });
});
