import type { Block, Metrics } from './blocks.ts';
import { type Calibration, calibrate } from './calibration.ts';
import type { Judged } from './compare.ts';
import type { EpochPlan, EpochTrial } from './epoch-store.ts';
import { lookAt, mostLooks } from './looks.ts';
import { type Entrant, type PlannedBlock, sliceTrials } from './plan.ts';
import { judgeCandidate } from './statistics.ts';
import type { Candidate, CandidateVerdict } from './types.ts';

/** A baseline that fails so often in a domain, and never completes there, cannot be measured. */
const BROKEN_AFTER = 2;

type Experiments = Readonly<Record<string, Judged>>;

/** What a look made of a candidate, for the report. */
export interface Standing {
  readonly slice: number;
  readonly promotionId: string;
  readonly verdict: CandidateVerdict['verdict'];
  readonly gain: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly pValue: number;
}

/**
 * The candidates' race: collects complete blocks, looks at them after each slice, and lets those that are decided leave,
 * so that the time goes to the others. What it does follows from the measurements alone: measured again from the
 * record, it goes the same way.
 */
export class Race {
  readonly #plan: EpochPlan;
  readonly #experiments: Experiments;
  readonly #blocks: Block[] = [];
  readonly #decided = new Map<string, CandidateVerdict>();
  readonly #standings: Standing[] = [];
  /** Experiment to why its baseline cannot be measured. */
  readonly #broken = new Map<string, string>();
  /** Open at the last look, and better by what is worth a change as far as measured. */
  #promising = new Set<string>();
  readonly #baselineFailures = new Map<string, number>();
  #slice = 0;
  #begun = 0;

  constructor(plan: EpochPlan, experiments: Experiments) {
    this.#plan = plan;
    this.#experiments = experiments;
  }

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  get standings(): readonly Standing[] {
    return this.#standings;
  }

  get broken(): ReadonlyMap<string, string> {
    return this.#broken;
  }

  /** Measurements that are planned, and those beyond that were begun. */
  get planned(): number {
    const { request, settings } = this.#plan;
    const all = entrantsOf(this.#experiments, request.candidates, request.checkOnly);
    return Math.max(this.#begun, settings.slices * sliceTrials(settings, all));
  }

  /**
   * Who is measured in the next slice; null when nobody is. After the planned slices only those go on that look better
   * by what is worth a change and are not decided, in as many slices again: the window's time goes to them.
   */
  next(): { readonly slice: number; readonly entrants: readonly Entrant[] } | null {
    const { request, settings } = this.#plan;
    if (this.#slice >= mostLooks(settings.slices)) return null;
    const extra = this.#slice >= settings.slices;
    const open = request.candidates.filter(
      (c) =>
        !this.#decided.has(c.promotionId) &&
        !this.#broken.has(c.experiment) &&
        (!extra || this.#promising.has(c.promotionId)),
    );
    const checks = extra ? [] : request.checkOnly.filter((e) => !this.#broken.has(e));
    const entrants = entrantsOf(this.#experiments, open, checks);
    if (entrants.length === 0) return null;
    this.#begun += sliceTrials(settings, entrants);
    return { slice: this.#slice++, entrants };
  }

  /** Takes in a block whose measurements are all made. */
  add(block: PlannedBlock, trials: readonly EpochTrial[]): void {
    const metrics = (trial: EpochTrial | undefined): Metrics | null =>
      trial?.state === 'completed' ? trial.metrics : null;
    const baseline = trials.filter(({ role }) => role === 'baseline' || role === 'warmup');
    this.#watchBaseline(block, baseline);
    if (block.round < 0) return;
    const calibration = trials.find(({ role }) => role === 'calibration');
    this.#blocks.push({
      experiment: block.experiment,
      domain: block.domain,
      round: block.round,
      baseline: metrics(baseline[0]),
      ...(calibration && { calibration: metrics(calibration) }),
      candidates: new Map(
        trials.filter(({ role }) => role === 'candidate').map((trial) => [trial.subject, metrics(trial)]),
      ),
    });
  }

  #watchBaseline({ experiment, domain }: PlannedBlock, trials: readonly EpochTrial[]): void {
    const key = `${experiment}/${domain}`;
    for (const trial of trials) {
      const failures = this.#baselineFailures.get(key) ?? 0;
      // Once it completed there, single failures only cost their pairs.
      if (trial.state === 'completed') this.#baselineFailures.set(key, Number.NEGATIVE_INFINITY);
      else this.#baselineFailures.set(key, failures + 1);
      if (failures + 1 >= BROKEN_AFTER && trial.state === 'failed')
        this.#broken.set(experiment, `the baseline cannot be measured in ${domain}: ${trial.reason}`);
    }
  }

  #judge(candidate: Candidate, level: number): CandidateVerdict {
    const { minGain, settings, alpha, request } = this.#plan;
    const look = lookAt(
      this.#slice - 1,
      settings.slices,
      settings.replicas,
      alpha / request.candidates.length,
    );
    const judged = this.#experiments[candidate.experiment];
    const broken = this.#broken.get(candidate.experiment);
    const none = { gain: 0, low: null, high: null, detectable: null, pValue: 1, comparisons: [] };
    const { promotionId, experiment, searchScore } = candidate;
    if (!judged || broken !== undefined)
      return {
        promotionId,
        experiment,
        searchScore,
        verdict: 'error',
        reason: broken ?? 'its experiment is gone',
        ...none,
      };
    return judgeCandidate(judged, candidate, this.#blocks, { minGain, level, look });
  }

  /** A look after a slice, at alpha shared by all candidates: who is decided leaves. */
  look(): void {
    const { request, settings, alpha, minGain } = this.#plan;
    const promising = new Set<string>();
    for (const candidate of request.candidates) {
      const { promotionId } = candidate;
      if (this.#decided.has(promotionId)) continue;
      if (this.#slice > settings.slices && !this.#promising.has(promotionId)) continue;
      const verdict = this.#judge(candidate, alpha / request.candidates.length);
      this.#stand(verdict);
      const failed = this.#blocks.some((b) => b.candidates.get(promotionId) === null && b.baseline !== null);
      if (verdict.verdict !== 'inconclusive' || failed) this.#decided.set(promotionId, verdict);
      if (verdict.comparisons.some((c) => c.domain === '*' && c.effect >= minGain))
        promising.add(promotionId);
    }
    this.#promising = promising;
  }

  #stand({ promotionId, verdict, gain, low, high, pValue }: CandidateVerdict): void {
    this.#standings.push({ slice: this.#slice - 1, promotionId, verdict, gain, low, high, pValue });
  }

  /**
   * The verdicts when the epoch ends. The candidates share alpha by Holm's procedure (1979): each that is accepted
   * leaves its share to those that are still open.
   */
  verdicts(): CandidateVerdict[] {
    const { request, alpha } = this.#plan;
    const found = new Map(this.#decided);
    const accepted = () => [...found.values()].filter((v) => v.verdict === 'accept').length;
    for (let before = -1; before < accepted(); ) {
      before = accepted();
      const level = alpha / Math.max(1, request.candidates.length - before);
      for (const candidate of request.candidates)
        if (!this.#decided.has(candidate.promotionId))
          found.set(candidate.promotionId, this.#judge(candidate, level));
    }
    const doubtful = new Set(
      this.calibrations()
        .filter((c) => c.doubtful)
        .map((c) => c.experiment),
    );
    return request.candidates.flatMap(({ promotionId }) => {
      const verdict = found.get(promotionId);
      if (!verdict) return [];
      return [doubtful.has(verdict.experiment) ? distrust(verdict) : verdict];
    });
  }

  /** What the calibrating blocks say of each experiment's noise. */
  calibrations(): Calibration[] {
    const { request, settings, alpha } = this.#plan;
    const setting = {
      alpha,
      candidates: request.candidates.length,
      rounds: settings.slices * settings.replicas,
    };
    return measuredExperiments(request).flatMap((name) => {
      const judged = this.#experiments[name];
      const calibration = judged ? calibrate(name, judged, this.#blocks, setting) : null;
      return calibration ? [calibration] : [];
    });
  }
}

/** Nothing is accepted beside a baseline that differs from itself. */
function distrust(verdict: CandidateVerdict): CandidateVerdict {
  if (verdict.verdict !== 'accept') return verdict;
  const reason = 'the baseline differed from itself in this epoch, so no gain beside it can be trusted';
  return { ...verdict, verdict: 'inconclusive', reason };
}

/** Every experiment of a request, once. */
export function measuredExperiments(request: EpochPlan['request']): string[] {
  return [...new Set([...request.candidates.map((c) => c.experiment), ...request.checkOnly])];
}

/** Candidates by experiment, and the experiments whose baseline is measured alone. */
export function entrantsOf(
  experiments: Experiments,
  candidates: readonly Pick<Candidate, 'promotionId' | 'experiment'>[],
  checkOnly: readonly string[],
): Entrant[] {
  const names = [...new Set([...candidates.map((c) => c.experiment), ...checkOnly])].sort();
  return names.map((experiment) => ({
    experiment,
    domains: Object.keys(experiments[experiment]?.domains ?? {}),
    candidates: candidates.filter((c) => c.experiment === experiment).map((c) => c.promotionId),
  }));
}
