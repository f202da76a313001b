import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkParams } from '../../src/config/parameters.ts';
import { createSearch, SAMPLER_NAMES } from '../../src/dream/create-search.ts';
import { Prng } from '../../src/dream/prng.ts';
import type { Observation, Search, Suggestion } from '../../src/dream/sampler.ts';
import { compileSpace } from '../../src/dream/space.ts';
import { anySpace, settings, spaceConfig } from './spaces.ts';

const mixed = spaceConfig({
  cache: { type: 'int', low: 1, high: 1024, log: true, default: 8 },
  ratio: { type: 'float', low: 0, high: 1, default: 0.5 },
  mode: { type: 'categorical', choices: ['slow', 'fast', 'off'], default: 'slow' },
  depth: { type: 'int', low: 1, high: 9, default: 3, when: { mode: ['fast'] } },
});

function lossOf({ params }: Suggestion): number {
  const cache = Math.log(Number(params.cache) / 100) ** 2;
  return cache + (Number(params.ratio) - 0.3) ** 2 + (params.mode === 'fast' ? Number(params.depth) / 9 : 1);
}

/** Any outcome of a trial, odd ones included; the same for the same suggestion. */
function oddOutcome(id: number, seed: number): Observation {
  const random = new Prng(seed, id + 7);
  const kind = random.int(8);
  if (kind === 0) return { failed: true };
  if (kind === 1) return { values: [random.pick([Number.NaN, Infinity, -Infinity, 1e300, -1e300, 0])] };
  if (kind === 2) return { values: [random.normal()], violation: random.next() };
  return { values: [random.normal()] };
}

const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe.each(SAMPLER_NAMES)('the sampler %s', (sampler) => {
  const space = compileSpace(mixed);
  const start = (seed = 1, budget = 30) =>
    createSearch(space, settings({ seed, budget, noise: true }), sampler);
  const asks = (search: Search, count: number) => Array.from({ length: count }, () => search.ask());

  it('suggests only configurations that may be tried, whatever comes of them', () => {
    fc.assert(
      fc.property(anySpace, seed, fc.integer({ min: 1, max: 4 }), (config, s, parallel) => {
        const options = settings({ seed: s, budget: 24, parallel, noise: s % 2 === 0 });
        const search = createSearch(compileSpace(config), options, sampler);
        for (let i = 0; i < 24; i += parallel) {
          const batch = asks(search, parallel);
          for (const { params } of batch) expect(checkParams(config, params)).toEqual([]);
          for (const { id } of batch) search.tell(id, oddOutcome(id, s));
        }
        for (const { params } of search.recommend(3)) expect(checkParams(config, params)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('suggests the same for the same seed, and other points for another', () => {
    const trace = (seed: number) => {
      const search = start(seed);
      return Array.from({ length: 30 }, () => {
        const suggestion = search.ask();
        search.tell(suggestion.id, { values: [lossOf(suggestion)] });
        return suggestion.params;
      });
    };
    expect(trace(5)).toEqual(trace(5));
    expect(trace(5)).not.toEqual(trace(6));
  });

  it('goes on after a replay as it would have without the break', () => {
    const whole = start();
    const calls: { suggestion: Suggestion; observation: Observation }[] = [];
    for (let i = 0; i < 20; i++) {
      const suggestion = whole.ask();
      const observation = i % 5 === 3 ? { failed: true as const } : { values: [lossOf(suggestion)] };
      whole.tell(suggestion.id, observation);
      calls.push({ suggestion, observation });
    }
    const resumed = start();
    for (const { suggestion, observation } of calls) {
      expect(resumed.ask()).toEqual(suggestion);
      resumed.tell(suggestion.id, observation);
    }
    expect(asks(resumed, 5)).toEqual(asks(whole, 5));
    expect(resumed.recommend(3)).toEqual(whole.recommend(3));
  });

  it('does not depend on the order in which results come back', () => {
    const trace = (order: (ids: Suggestion[]) => Suggestion[]) => {
      const search = start();
      const batches = Array.from({ length: 6 }, () => {
        const batch = asks(search, 5);
        for (const s of order([...batch])) search.tell(s.id, { values: [lossOf(s)] });
        return batch;
      });
      return [batches, search.recommend()];
    };
    expect(trace((batch) => batch.reverse())).toEqual(trace((batch) => batch));
  });

  it('goes on when every trial fails, and recommends nothing', () => {
    const search = start();
    for (const { id } of asks(search, 1)) search.tell(id, { failed: true });
    for (let i = 1; i < 30; i++) search.tell(search.ask().id, { values: [Number.NaN] });
    expect(search.recommend()).toEqual([]);
    expect(search.state()).toMatchObject({ asked: 30, told: 30 });
  });

  it('goes on in a space that it has tried out', () => {
    const tiny = compileSpace(spaceConfig({ on: { type: 'boolean', default: false } }));
    const search = createSearch(tiny, settings({ budget: 12 }), sampler);
    for (let i = 0; i < 12; i++) {
      const { id, params } = search.ask();
      search.tell(id, { values: [params.on === true ? 1 : 2] });
    }
    expect(search.recommend()).toEqual([{ params: { on: true }, estimate: [1] }]);
  });
});

describe('a search', () => {
  const space = compileSpace(mixed);

  it('asks for the points that it was given first, in their order and once each', () => {
    const point = (cache: number) => ({ cache, ratio: 0.1 + 0.2, mode: 'slow' });
    const search = createSearch(space, settings({ points: [point(64), point(2), point(64)] }));
    expect([search.ask().params, search.ask().params]).toEqual([point(64), point(2)]);
    expect(search.ask().params).not.toEqual(point(64));
  });

  it('stays in the focus for the first half of the budget and opens then', () => {
    for (const sampler of SAMPLER_NAMES) {
      const focus = { ratio: { low: 0.4, high: 0.5 } };
      const search = createSearch(space, settings({ focus, budget: 60 }), sampler);
      const ratios = Array.from({ length: 60 }, () => {
        const suggestion = search.ask();
        search.tell(suggestion.id, { values: [lossOf(suggestion)] });
        return Number(suggestion.params.ratio);
      });
      const inside = ratios.slice(0, 30).filter((r) => r >= 0.4 - 1e-9 && r <= 0.5 + 1e-9);
      expect([sampler, inside.length]).toEqual([sampler, 30]);
      expect([sampler, ratios.slice(30).some((r) => r < 0.4)]).toEqual([sampler, true]);
    }
  });

  it.each([
    [
      'told twice',
      (search: Search) => {
        search.tell(search.ask().id, { values: [1] });
        return 0;
      },
      'was told already',
    ],
    ['never asked', () => 7, 'was never asked'],
    ['no id', () => Number.NaN, 'was never asked'],
  ])('refuses a tell of an id %s and goes on unchanged', (_, prepare, why) => {
    const search = createSearch(space, settings());
    const twin = createSearch(space, settings());
    const id = prepare(search);
    prepare(twin);
    expect(() => search.tell(id, { values: [5] })).toThrowError(
      expect.objectContaining({ code: 'KLR_E_TELL_UNKNOWN', message: expect.stringContaining(why) }),
    );
    expect(search.ask()).toEqual(twin.ask());
  });

  it('refuses values that do not fit the objectives, and takes the right ones afterwards', () => {
    const search = createSearch(space, settings());
    const { id } = search.ask();
    expect(() => search.tell(id, { values: [1, 2] })).toThrowError(
      expect.objectContaining({ code: 'KLR_E_TELL_INVALID' }),
    );
    search.tell(id, { values: [1] });
    expect(search.recommend()[0]?.estimate).toEqual([1]);
  });

  it.each([
    ['no budget', settings({ budget: 0 }), 'auto'],
    ['nothing at once', settings({ parallel: 0 }), 'auto'],
    ['no objective', settings({ directions: [] }), 'auto'],
    ['a seed beyond 32 bits', settings({ seed: 2 ** 32 }), 'auto'],
    ['an unknown sampler', settings(), 'toString'],
  ])('cannot start with %s', (_, options, sampler) => {
    expect(() => createSearch(space, options, sampler)).toThrowError(
      expect.objectContaining({ code: 'KLR_E_SEARCH_INVALID' }),
    );
  });

  it('recommends what keeps the constraint metrics before what is better and does not', () => {
    const search = createSearch(space, settings());
    const [good, cheat] = [search.ask(), search.ask()];
    search.tell(cheat.id, { values: [0], violation: 0.5 });
    search.tell(good.id, { values: [9] });
    expect(search.recommend(2).map((r) => r.params)).toEqual([good.params, cheat.params]);
  });

  it('maximises where it is told to', () => {
    const search = createSearch(space, settings({ directions: ['maximize'] }));
    const [low, high] = [search.ask(), search.ask()];
    search.tell(low.id, { values: [1] });
    search.tell(high.id, { values: [2] });
    expect(search.recommend()[0]).toEqual({ params: high.params, estimate: [2] });
  });

  it('learns from earlier evaluations without recommending them', () => {
    const known = { cache: 100, ratio: 0.3, mode: 'fast', depth: 1 };
    const history = [{ params: known, observation: { values: [0.1] } }];
    const search = createSearch(space, settings({ history }));
    expect(search.recommend()).toEqual([]);
    const { id, params } = search.ask();
    search.tell(id, { values: [3] });
    expect(search.recommend()).toEqual([{ params, estimate: [3] }]);
  });
});
