import type { Params } from '../config/parameters.ts';
import { KlorosError } from '../errors.ts';
import { Archive } from './archive.ts';
import { diversity } from './diversity.ts';
import { Prng } from './prng.ts';
import { ranked } from './ranking.ts';
import { recommended } from './recommend.ts';
import type {
  Observation,
  Recommendation,
  Search,
  SearchSettings,
  SearchState,
  Suggestion,
} from './sampler.ts';
import { autoSampler } from './samplers/auto.ts';
import { cmaSampler } from './samplers/cma.ts';
import { evolutionSampler } from './samplers/evolution.ts';
import { gaussianSampler } from './samplers/gaussian.ts';
import { randomSampler } from './samplers/random.ts';
import type { Sampler, SamplerSetup } from './samplers/sampler.ts';
import { sobolSampler } from './samplers/sobol.ts';
import { tpeSampler } from './samplers/tpe.ts';
import type { Box, Point, Space } from './space.ts';

const SAMPLERS: Readonly<Record<string, (setup: SamplerSetup) => Sampler>> = {
  auto: autoSampler,
  evolution: evolutionSampler,
  gaussian: gaussianSampler,
  tpe: tpeSampler,
  cma: cmaSampler,
  sobol: sobolSampler,
  random: randomSampler,
};

/** The names that `search.sampler` may have. */
export const SAMPLER_NAMES: readonly string[] = Object.keys(SAMPLERS);

/** The stream that draws what a sampler needs once; suggestions use their id plus one. */
const START_STREAM = 0;
const POPULATION = 20;

/**
 * Starts a search of a space.
 * @throws KLR_E_SEARCH_INVALID for an unknown sampler, no budget, no objective, or a seed beyond 32 bits
 */
export function createSearch(space: Space, settings: SearchSettings, sampler = 'auto'): Search {
  const create = Object.hasOwn(SAMPLERS, sampler) ? SAMPLERS[sampler] : undefined;
  if (create === undefined)
    throw invalid(`there is no sampler ${JSON.stringify(sampler)}: one of ${SAMPLER_NAMES.join(', ')}`);
  const whole = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;
  if (!whole(settings.budget, 1))
    throw invalid(`a budget of ${settings.budget} trials: at least 1 is needed`);
  if (!whole(settings.parallel, 1))
    throw invalid(`${settings.parallel} trials at once: at least 1 is needed`);
  if (!whole(settings.seed, 0) || settings.seed > 0xffffffff)
    throw invalid(`the seed ${settings.seed} is not a whole number from 0 to 4294967295`);
  if (settings.directions.length === 0) throw invalid('no objective: at least one direction is needed');
  return new AskTellSearch(space, settings, create);
}

function invalid(message: string): KlorosError {
  return new KlorosError('KLR_E_SEARCH_INVALID', message);
}

class AskTellSearch implements Search {
  readonly #space: Space;
  readonly #settings: SearchSettings;
  readonly #sampler: Sampler;
  readonly #archive: Archive;
  readonly #points: Point[];
  readonly #box: () => Box | undefined;
  #asked = 0;
  #told = 0;

  constructor(space: Space, settings: SearchSettings, create: (setup: SamplerSetup) => Sampler) {
    this.#space = space;
    this.#settings = settings;
    this.#archive = new Archive(settings.directions.length);
    const random = new Prng(settings.seed, START_STREAM);
    this.#points = distinct((settings.points ?? []).map((params) => given(space, params, random)));
    const focus = boxOf(space, settings.focus ?? null);
    this.#box = () => (2 * this.#asked < settings.budget ? focus : undefined);
    this.#sampler = create({ space, settings, random, box: this.#box });
    const history = settings.history ?? [];
    history.forEach(({ params, observation }, i) => {
      this.#record(i - history.length, space.toUnit(params), observation);
    });
  }

  ask(): Suggestion {
    const id = this.#asked;
    const random = new Prng(this.#settings.seed, id + 1);
    const point = this.#points.shift() ?? this.#focused(this.#sampler.propose(this.#archive, random), random);
    this.#asked++;
    this.#archive.suggested(id, point);
    return { id, params: point.params };
  }

  /** A point that a sampler placed outside the focus, moved to its edge. */
  #focused(point: Point, random: Prng): Point {
    const box = this.#box();
    if (box === undefined) return point;
    const inside = point.unit.map((u, i) => Math.min(box.high[i] ?? 1, Math.max(box.low[i] ?? 0, u)));
    const moved = inside.some((u, i) => u !== point.unit[i]);
    return moved ? this.#space.repair(inside, random) : point;
  }

  tell(id: number, observation: Observation): void {
    const point = this.#archive.pendingPoint(id);
    if (point === undefined) {
      const why =
        Number.isSafeInteger(id) && id >= 0 && id < this.#asked ? 'was told already' : 'was never asked';
      throw new KlorosError('KLR_E_TELL_UNKNOWN', `suggestion ${id} ${why}`, { where: String(id) });
    }
    this.#record(id, point, observation);
    this.#told++;
  }

  /** @throws KLR_E_TELL_INVALID when there is not one value an objective */
  #record(id: number, point: Point, observation: Observation): void {
    if ('failed' in observation) {
      this.#archive.add({ id, point, values: null, violation: 0 });
      return;
    }
    const { values, violation = 0 } = observation;
    const { directions } = this.#settings;
    if (values.length !== directions.length)
      throw new KlorosError(
        'KLR_E_TELL_INVALID',
        `suggestion ${id}: ${values.length} values for ${directions.length} objectives`,
        { where: String(id) },
      );
    const finite = values.every(Number.isFinite) && !Number.isNaN(violation);
    const signed = values.map((value, k) => (directions[k] === 'maximize' ? -value : value));
    this.#archive.add({ id, point, values: finite ? signed : null, violation: Math.max(0, violation) || 0 });
  }

  recommend(count = 1): Recommendation[] {
    const { directions, noise } = this.#settings;
    return recommended(this.#space, this.#archive, noise, count).map(({ point, estimate }) => ({
      params: point.params,
      estimate: estimate.map((value, k) => (directions[k] === 'maximize' ? -value : value)),
    }));
  }

  state(): SearchState {
    const population = ranked(this.#archive.configurations).slice(0, POPULATION);
    return {
      sampler: this.#sampler.name,
      asked: this.#asked,
      told: this.#told,
      restarts: this.#sampler.restarts ?? 0,
      diversity: diversity(
        this.#space.dimensions,
        population.map((c) => c.point),
      ),
    };
  }
}

/** A given point as it is where it may be tried, else the nearest that may. */
function given(space: Space, params: Params, random: Prng): Point {
  const point = space.toUnit(params);
  return space.allows(point.params) ? point : space.repair(point.unit, random);
}

function distinct(points: readonly Point[]): Point[] {
  return [...new Map(points.map((point) => [point.key, point])).values()];
}

/** The box of a focus in coordinates; a bound that is no number of the parameter's is left open. */
function boxOf(space: Space, focus: NonNullable<SearchSettings['focus']> | null): Box | undefined {
  if (focus === null) return undefined;
  const low = new Float64Array(space.dimensions.length);
  const high = new Float64Array(space.dimensions.length).fill(1);
  space.dimensions.forEach((d, i) => {
    const range: Readonly<{ low: Params[string]; high: Params[string] }> | undefined = focus[d.name];
    if (range === undefined || d.kind === 'choice') return;
    const [from, to] = [d.toUnit(range.low), d.toUnit(range.high)];
    if (!(from <= to)) return;
    low[i] = from;
    high[i] = to;
  });
  return { low, high };
}
