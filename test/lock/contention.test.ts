import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockIsHeld } from '../../src/lock/acquire.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { startLockChildren } from '../support/lock-children.ts';

let ctx: TestContext;
let stop = () => {};

beforeEach(async () => {
  ctx = await testContext();
});

afterEach(async () => {
  stop();
  await ctx.cleanup();
});

test('of fifty processes that try at once exactly one gets the lock, in every round, with a token that grows', async () => {
  const started = startLockChildren(ctx.paths.root, 50);
  stop = started.stop;
  const { children } = started;
  const tokens: number[] = [];
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(
      children.map((child) => child.ask({ do: 'try', name: 'orchestrator', ttlMs: 60_000 })),
    );
    expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
    const winners = children.filter((_, index) => answers[index]?.acquired);
    expect(winners).toHaveLength(1);
    expect(lockIsHeld(ctx.paths, 'orchestrator', ctx.fs)).toBe(true);
    tokens.push(...answers.flatMap(({ token }) => token ?? []));
    await winners[0]?.ask({ do: 'release' });
    expect(lockIsHeld(ctx.paths, 'orchestrator', ctx.fs)).toBe(false);
  }
  expect(tokens).toEqual([1, 2, 3, 4, 5]);
});

test('processes that take and release as fast as they can never hold one token twice, and leave the same file', async () => {
  const { children, stop: end } = startLockChildren(ctx.paths.root, 6);
  stop = end;
  await children[0]?.ask({ do: 'try', name: 'dream', ttlMs: 60_000 });
  const path = join(ctx.paths.locks, 'dream.lock');
  const { ino } = lstatSync(path);
  await children[0]?.ask({ do: 'release' });
  const tokens = await Promise.all(
    children.map(async (child) => {
      const mine: number[] = [];
      for (let attempt = 0; attempt < 60; attempt++) {
        const { token } = await child.ask({ do: 'try', name: 'dream', ttlMs: 60_000 });
        if (token === undefined) continue;
        mine.push(token);
        expect(await child.ask({ do: 'commit', value: String(token) })).toEqual({ committed: true });
        await child.ask({ do: 'release' });
      }
      expect(mine).toEqual(mine.toSorted((a, b) => a - b));
      return mine;
    }),
  );
  const all = tokens.flat();
  expect(all.length).toBeGreaterThan(0);
  expect(new Set(all).size).toBe(all.length);
  expect(lstatSync(path)).toMatchObject({ ino, size: 0 });
});

test('locks of different names do not exclude each other', async () => {
  const { children, stop: end } = startLockChildren(ctx.paths.root, 2);
  stop = end;
  const [first, second] = children;
  expect(await first?.ask({ do: 'try', name: 'orchestrator', ttlMs: 1 })).toMatchObject({ acquired: true });
  expect(await second?.ask({ do: 'try', name: 'baseline', ttlMs: 1 })).toMatchObject({ acquired: true });
});
