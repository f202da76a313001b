import { expect, it } from 'vitest';
import { createSearch } from '../../../src/dream/create-search.ts';
import { compileSpace } from '../../../src/dream/space.ts';
import { settings, spaceConfig } from '../spaces.ts';

const plane = compileSpace(
  spaceConfig({
    x: { type: 'float', low: 0, high: 1, default: 0.5 },
    y: { type: 'float', low: 0, high: 1, default: 0.5 },
  }),
);

it('a collapsed population is seen in its diversity and starts again elsewhere', () => {
  const search = createSearch(plane, settings({ budget: 600, seed: 3 }), 'evolution');
  let lowest = 1;
  let restartedAt = -1;
  const after: number[] = [];
  for (let i = 0; i < 600; i++) {
    const { id, params } = search.ask();
    const [x, y] = [Number(params.x), Number(params.y)];
    const { diversity, restarts } = search.state();
    if (restarts === 0) lowest = Math.min(lowest, diversity);
    else if (restartedAt < 0) restartedAt = i;
    if (restartedAt >= 0 && i < restartedAt + 12) after.push(x);
    search.tell(id, { values: [(x - 0.2) ** 2 + (y - 0.8) ** 2] });
  }
  expect(restartedAt).toBeGreaterThan(20);
  expect(lowest).toBeLessThan(0.05);
  expect(Math.max(...after) - Math.min(...after)).toBeGreaterThan(0.6);
});

it('a population that nobody has entered for long starts again', () => {
  const search = createSearch(plane, settings({ budget: 400, seed: 4 }), 'evolution');
  for (let i = 0; i < 400; i++) {
    const { id } = search.ask();
    // Ever worse: no child can be better than its parents.
    search.tell(id, { values: [i] });
  }
  expect(search.state().restarts).toBeGreaterThan(0);
});

it('under noise the elite is measured again', () => {
  const search = createSearch(plane, settings({ budget: 100, noise: true, seed: 5 }), 'evolution');
  const keys: string[] = [];
  for (let i = 0; i < 100; i++) {
    const { id, params } = search.ask();
    keys.push(JSON.stringify(params));
    search.tell(id, { values: [Number(params.x) + (i % 3)] });
  }
  expect(keys.length - new Set(keys).size).toBeGreaterThan(5);
});
