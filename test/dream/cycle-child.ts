/** A process of its own that runs or resumes a cycle, to be killed. */
import { join } from 'node:path';
import { resumeCycle, runCycle } from '../../src/dream/cycle.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { systemClock } from '../../src/time/clock.ts';
import { localExecutor } from '../../src/trial/execute.ts';
import type { Executor } from '../../src/trial/types.ts';
import type { TestContext } from '../support/context.ts';
import { control, demoContext, type Formula, formulaExecutor, noisy, tunable } from './formula-executor.ts';

export const slowFormula: Formula = noisy(tunable, 0.02);

/** Throughput by a shell, whole numbers: it grows with the cache, and in mode fast. */
const SHELL =
  'f=0; [ "$KLOROS_PARAM_MODE" = fast ] && f=400; echo "{\\"throughput\\": $((1000 + KLOROS_PARAM_CACHE + f + KLOROS_SEED % 7)), \\"p99\\": 10}" >> "$KLOROS_METRICS"';

/** A context whose evaluator is a real process; `$PIDFILE` is a file beside its home. */
export async function localDemo(shell = SHELL): Promise<TestContext> {
  const ctx = await demoContext({ evaluator: { command: ['/bin/sh', '-c', shell] } });
  const { demo } = ctx.config.experiments;
  if (demo) demo.evaluator.env.PIDFILE = join(ctx.configDir, 'pid');
  return ctx;
}

/** Trials by the formula that take ten real milliseconds. */
function slowExecutor(ctx: TestContext): Executor {
  const formula = formulaExecutor(ctx, slowFormula, { slots: 2 });
  return {
    slots: 2,
    run: async (...args) => {
      await systemClock.sleep(10);
      return formula.run(...args);
    },
  };
}

async function main(database: string, what: string): Promise<void> {
  const request = JSON.parse(String(process.env.REQUEST));
  const local = what.endsWith('local');
  const scratch = await (local ? localDemo() : demoContext());
  const { demo } = scratch.config.experiments;
  // The configuration of the process that started this one.
  if (local && demo) demo.evaluator.env.PIDFILE = join(database, '..', '..', 'pid');
  const executor = local ? localExecutor(scratch, 2) : slowExecutor(scratch);
  const ctx = { ...scratch, db: await openSqlite(database), clock: systemClock };
  await (what.startsWith('run')
    ? runCycle(ctx, executor, control(), request)
    : resumeCycle(ctx, executor, control(), request.id));
}

const [, script, database, what] = process.argv;
if (script === import.meta.filename && database && what) await main(database, what);
