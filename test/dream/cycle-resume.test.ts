import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { resumeCycle, runCycle } from '../../src/dream/cycle.ts';
import { showCycle } from '../../src/dream/records.ts';
import type { CycleRequest, CycleResult } from '../../src/dream/types.ts';
import { readMetrics } from '../../src/metrics/counters.ts';
import type { Database } from '../../src/store/database.ts';
import { readEvents } from '../../src/store/ledger.ts';
import type { TestContext } from '../support/context.ts';
import { slowFormula } from './cycle-child.ts';
import {
  control,
  demoContext,
  demoRequest,
  type Formula,
  formulaExecutor,
  noisy,
  tunable,
} from './formula-executor.ts';

const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

/** Few trials in all: every one of them is a place to be killed at. */
const small = { search: { screen: { top: 2, repeats: 2 } } };

async function demo(): Promise<TestContext> {
  const ctx = await demoContext(small);
  open.push(ctx);
  return ctx;
}

/** A noisy formula with a region that fails and one that breaks the guardrail. */
const rough: Formula = (trial) => {
  if (Number(trial.params.ratio) > 0.95) return 'the ratio is too high';
  const metrics = noisy(tunable, 0.02)(trial);
  return typeof metrics === 'string' || Number(trial.params.cache) < 500 ? metrics : { ...metrics, p99: 20 };
};

function request(ctx: TestContext, id = 'cycle-1'): CycleRequest {
  const base = demoRequest(ctx, { id, trials: 6 });
  return {
    ...base,
    promotions: [{ id: 'p1', params: { ...base.baseline.params, cache: 64 } }],
    points: [{ ...base.baseline.params, mode: 'fast' }],
  };
}

/** Everything about a cycle that must not depend on interruptions. */
async function story(ctx: TestContext, result: CycleResult, id = 'cycle-1') {
  const { trials, state } = await showCycle(ctx.db, id);
  return { result, state, trials: trials.map(({ startedAt, durationMs, ...trial }) => trial) };
}

async function trialsCounted(ctx: TestContext): Promise<number> {
  const counters = (await readMetrics(ctx.db)).filter(({ name }) => name === 'kloros_trials_total');
  return counters.reduce((sum, { value }) => sum + value, 0);
}

class Crash extends Error {}

describe.each([1, 2])('with %i trials at once, a cycle', (slots) => {
  async function uninterrupted() {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, rough, { slots });
    const result = await runCycle(ctx, executor, control(), request(ctx));
    return { told: await story(ctx, result), trials: executor.started.length };
  }

  test('that crashes at any trial goes on to the same trials and the same result', async () => {
    const whole = await uninterrupted();
    expect(whole.told.result.state).toBe('done');
    expect(whole.trials).toBeGreaterThan(20);
    const ctx = await demo();
    for (let k = 0; k < whole.trials; k++) {
      const id = `cycle-${k}`;
      const crashing = formulaExecutor(ctx, rough, {
        slots,
        before: (place) => {
          if (place >= k) throw new Crash();
        },
      });
      await expect(runCycle(ctx, crashing, control(), request(ctx, id))).rejects.toBeInstanceOf(Crash);
      const result = await resumeCycle(ctx, formulaExecutor(ctx, rough, { slots }), control(), id);
      expect(await story(ctx, result, id), `killed at trial ${k}`).toEqual(whole.told);
    }
  });

  test('that is aborted in the middle of any trial is paused, and goes on to the same result', async () => {
    const whole = await uninterrupted();
    const ctx = await demo();
    for (let k = 0; k < whole.trials; k++) {
      const id = `cycle-${k}`;
      const aborting = new AbortController();
      const executor = formulaExecutor(ctx, rough, {
        slots,
        before: (place) => {
          if (place === k) aborting.abort();
        },
      });
      const paused = await runCycle(ctx, executor, control({ abort: aborting.signal }), request(ctx, id));
      expect(paused).toEqual({ state: 'paused', reason: 'shutdown' });
      expect(executor.started.length).toBeLessThanOrEqual(k + slots);
      const result = await resumeCycle(ctx, formulaExecutor(ctx, rough, { slots }), control(), id);
      expect(await story(ctx, result, id), `aborted at trial ${k}`).toEqual(whole.told);
    }
  });

  test('that is paused at each boundary in turn comes to the same result, with each pause in the ledger', async () => {
    const whole = await uninterrupted();
    const ctx = await demo();
    let runs = 0;
    let result: CycleResult;
    do {
      // The question is asked before each trial: the second asking in a run is the first boundary.
      let asked = 0;
      const stop = () => (asked++ < 2 ? null : ('window-edge' as const));
      const executor = formulaExecutor(ctx, rough, { slots });
      result = await (runs === 0
        ? runCycle(ctx, executor, control({ stop }), request(ctx))
        : resumeCycle(ctx, executor, control({ stop }), 'cycle-1'));
      runs += 1;
    } while (result.state === 'paused');
    expect(await story(ctx, result)).toEqual(whole.told);
    expect(await trialsCounted(ctx)).toBe(whole.trials);
    const pauses = await readEvents(ctx.db, { kind: 'cycle.paused' });
    expect(pauses.length).toBe(runs - 1);
    expect(pauses[0]?.data).toMatchObject({ reason: 'window-edge' });
  });

  test('goes on with fewer slots than it was started with', async () => {
    const whole = await uninterrupted();
    const ctx = await demo();
    let asked = 0;
    const stop = () => (asked++ < 10 ? null : ('mode' as const));
    await runCycle(ctx, formulaExecutor(ctx, rough, { slots }), control({ stop }), request(ctx));
    const executor = formulaExecutor(ctx, rough, { slots: 1 });
    const result = await resumeCycle(ctx, executor, control(), 'cycle-1');
    expect(executor.most()).toBe(1);
    expect(await story(ctx, result)).toEqual(whole.told);
  });
});

describe('a cycle that ended', () => {
  test('gives its result again and measures nothing', async () => {
    const ctx = await demo();
    const first = await runCycle(ctx, formulaExecutor(ctx, rough), control(), request(ctx));
    const executor = formulaExecutor(ctx, rough);
    expect(await resumeCycle(ctx, executor, control(), 'cycle-1')).toEqual(first);
    expect(executor.started).toEqual([]);
  });

  test('ends in one transaction with its caller: what the caller records belongs to its end: when that fails it is resumed, and it is not repeated', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, rough);
    const note = 'INSERT INTO meta (key, value) VALUES (?, ?)';
    const failing = runCycle(ctx, executor, control(), request(ctx), async (tx) => {
      await tx.run(note, 'finished', 'badly');
      throw new Crash();
    });
    await expect(failing).rejects.toBeInstanceOf(Crash);
    expect((await showCycle(ctx.db, 'cycle-1')).state).toBe('running');
    const measured = executor.started.length;
    const finish = async (tx: Database, result: CycleResult) => {
      await tx.run(note, 'finished', result.state);
    };
    const result = await resumeCycle(ctx, executor, control(), 'cycle-1', finish);
    expect(executor.started.length).toBe(measured);
    expect(await resumeCycle(ctx, executor, control(), 'cycle-1', finish)).toEqual(result);
    expect(await ctx.db.all('SELECT value FROM meta')).toEqual([{ value: 'done' }]);
  });

  test('is not resumed under a configuration that measures something else', async () => {
    const ctx = await demo();
    await runCycle(ctx, formulaExecutor(ctx, rough), control({ stop: () => 'mode' }), request(ctx));
    const other = await demoContext({ domains: { read: {} } });
    open.push(other);
    const changed = { ...ctx, config: other.config };
    const result = await resumeCycle(changed, formulaExecutor(ctx, rough), control(), 'cycle-1');
    expect(result).toMatchObject({ state: 'failed', reason: expect.stringContaining('changed') });
  });

  test('that was cancelled is recorded as such, and not as paused', async () => {
    const ctx = await demo();
    const stop = () => 'cancelled' as const;
    const result = await runCycle(ctx, formulaExecutor(ctx, rough), control({ stop }), request(ctx));
    expect(result).toEqual({ state: 'failed', reason: 'cancelled' });
    expect((await showCycle(ctx.db, 'cycle-1')).state).toBe('cancelled');
  });

  test('an unknown one cannot be resumed', async () => {
    const ctx = await demo();
    await expect(resumeCycle(ctx, formulaExecutor(ctx, rough), control(), 'x')).rejects.toMatchObject({
      code: 'KLR_E_NOT_FOUND',
    });
  });
});

describe('a process that runs a cycle', () => {
  test('can be killed with SIGKILL several times, and another goes on to the same result', async () => {
    const whole = await demoContext();
    open.push(whole);
    const executor = formulaExecutor(whole, slowFormula, { slots: 2 });
    const told = await story(whole, await runCycle(whole, executor, control(), request(whole)));

    const ctx = await demoContext();
    open.push(ctx);
    const recorded = async () =>
      Number((await ctx.db.get("SELECT count(*) AS n FROM trials WHERE owner = 'cycle-1'"))?.n);
    for (const [i, goal] of [5, 14, 24].entries()) {
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'cycle-child.ts'), ctx.paths.database, i === 0 ? 'run' : 'resume'],
        {
          stdio: ['ignore', 'inherit', 'inherit'],
          env: { ...ctx.env, REQUEST: JSON.stringify(request(ctx)) },
        },
      );
      const exit = once(child, 'exit');
      while ((await recorded()) < goal) await new Promise((resolve) => setTimeout(resolve, 2));
      child.kill('SIGKILL');
      expect((await exit)[1]).toBe('SIGKILL');
    }
    expect((await showCycle(ctx.db, 'cycle-1')).state).toBe('running');
    const result = await resumeCycle(
      ctx,
      formulaExecutor(ctx, slowFormula, { slots: 2 }),
      control(),
      'cycle-1',
    );
    expect(await story(ctx, result)).toEqual(told);
  });
});
