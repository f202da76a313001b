import type { Judged } from '../../src/phase/compare.ts';
import type { EpochPlan, EpochTrial } from '../../src/phase/epoch-store.ts';
import { mostLooks } from '../../src/phase/looks.ts';
import { type PlannedBlock, type PlanSettings, planSlice } from '../../src/phase/plan.ts';
import { Race } from '../../src/phase/race.ts';
import type { Noise } from './machines.ts';
import { mannWhitney } from './mann-whitney.ts';

/** As configured by default. */
export const PLAN = { slices: 4, replicas: 4, warmup: 1, calibration: 0.1 } as const;
export const ALPHA = 0.05;
const DOMAINS = ['read', 'write'];
/** Levels of the two domains: what is fast in one is slow in the other. */
const LEVEL: Readonly<Record<string, number>> = { read: 9000, write: 1500 };

const JUDGED: Judged = {
  objectives: [{ metric: 'throughput', direction: 'maximize' }],
  guardrails: [{ metric: 'p99', direction: 'minimize', max_regression: 0.1 }],
  domains: { read: { weight: 1 }, write: { weight: 1 } },
};

export interface Setting {
  readonly candidates: number;
  /** True gain of every candidate, relative. */
  readonly effect: number;
  /** Standard deviation of one measurement, relative. */
  readonly noise: number;
}

export interface Outcome {
  /** Candidates that were accepted. */
  readonly accepted: number;
  /** Measured, as a share of what the window holds. */
  readonly share: number;
  /** The fixed test on the first candidate, on the whole window's data and on the planned half of it. */
  readonly fixed: { readonly window: boolean; readonly planned: boolean };
}

function planOf(names: readonly string[], seed: number): EpochPlan {
  const candidates = names.map((promotionId) => ({
    promotionId,
    experiment: 'demo',
    params: {},
    searchScore: null,
  }));
  const request = {
    id: 'phase-1',
    date: '2026-06-15',
    forced: false,
    endsAt: 0,
    baseline: { version: 0, params: { demo: {} } },
    candidates,
    checkOnly: [],
    seed,
  };
  const settings: PlanSettings = { ...PLAN, seed };
  // Any gain counts, here as for the fixed test: what is compared is whether it is seen.
  return {
    request,
    settings,
    alpha: ALPHA,
    minGain: 0,
    durationMs: 0,
    environment: {},
    judged: { demo: JUDGED },
    postponed: [],
  };
}

/** What each machine answers: throughput and p99 have their own noise. */
class Meter {
  #at = 0;
  readonly #setting: Setting;
  readonly #throughput: Noise;
  readonly #p99: Noise;

  constructor(setting: Setting, throughput: Noise, p99: Noise) {
    this.#setting = setting;
    this.#throughput = throughput;
    this.#p99 = p99;
  }

  measure(block: PlannedBlock): EpochTrial[] {
    const { noise, effect } = this.#setting;
    return block.trials.map((planned): EpochTrial => {
      const at = this.#at++;
      const gain = planned.role === 'candidate' ? Math.log1p(effect) : 0;
      const throughput = (LEVEL[block.domain] ?? 1) * Math.exp(noise * this.#throughput(at) + gain);
      return {
        ...planned,
        number: at,
        experiment: block.experiment,
        domain: block.domain,
        round: block.round,
        params: {},
        state: 'completed',
        reason: null,
        metrics: { throughput, p99: 5 * Math.exp(noise * this.#p99(at)) },
        outputTail: '',
        startedAt: 0,
        durationMs: 1,
      };
    });
  }
}

/** Logarithms of both sides by round, summed over the domains. */
class Sample {
  readonly #base: number[] = [];
  readonly #value: number[] = [];

  add(trials: readonly EpochTrial[], round: number, first: string): void {
    if (round < 0) return;
    for (const [side, subject] of [
      [this.#base, 'baseline'],
      [this.#value, first],
    ] as const) {
      const trial = trials.find((t) => t.subject === subject && t.role !== 'calibration');
      side[round] = (side[round] ?? 0) + Math.log(trial?.metrics.throughput ?? Number.NaN);
    }
  }

  /** Whether the fixed test on the first `rounds` finds the candidate better. */
  better(rounds: number): boolean {
    return mannWhitney(this.#base.slice(0, rounds), this.#value.slice(0, rounds)) <= ALPHA;
  }
}

/**
 * One epoch by the plan and the race that run in production. For the fixed test it is measured on to the end of the
 * window, so that both see the same data.
 */
export function loop(setting: Setting, throughput: Noise, p99: Noise, seed: number): Outcome {
  const names = Array.from({ length: setting.candidates }, (_, i) => `p${i}`);
  const plan = planOf(names, seed);
  const race = new Race(plan, { demo: JUDGED });
  const meter = new Meter(setting, throughput, p99);
  const sample = new Sample();
  const measured = (block: PlannedBlock): EpochTrial[] => {
    const trials = meter.measure(block);
    sample.add(trials, block.round, names[0] ?? '');
    return trials;
  };
  let used = 0;
  let slice = 0;
  for (let next = race.next(); next !== null; next = race.next()) {
    for (const block of planSlice(plan.settings, next.entrants, next.slice)) {
      race.add(block, measured(block));
      used += block.trials.length;
    }
    race.look();
    slice = next.slice + 1;
  }
  const accepted = race.verdicts().filter(({ verdict }) => verdict === 'accept').length;
  if (setting.candidates > 1) return { accepted, share: 0, fixed: { window: false, planned: false } };
  let rest = 0;
  const everyone = [{ experiment: 'demo', domains: DOMAINS, candidates: names }];
  for (; slice < mostLooks(PLAN.slices); slice++)
    for (const block of planSlice(plan.settings, everyone, slice)) rest += measured(block).length;
  const rounds = PLAN.slices * PLAN.replicas;
  return {
    accepted,
    share: used / (used + rest),
    fixed: { window: sample.better(mostLooks(PLAN.slices) * PLAN.replicas), planned: sample.better(rounds) },
  };
}
