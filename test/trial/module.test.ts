import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localExecutor } from '../../src/trial/execute.ts';
import { moduleHostPath } from '../../src/trial/module-host-path.ts';
import type { TrialRequest, TrialResult } from '../../src/trial/types.ts';
import type { TestContext } from '../support/context.ts';
import { alive, trial, until, withContext } from './support.ts';

function runModule(
  ctx: TestContext,
  source: string,
  overrides: Partial<TrialRequest> = {},
  options: Parameters<ReturnType<typeof localExecutor>['run']>[1] = {},
): Promise<TrialResult> {
  writeFileSync(join(ctx.configDir, 'evaluate.ts'), source);
  const evaluator = { module: './evaluate.ts', env: {} };
  return localExecutor(ctx, 1).run(trial({ evaluator, ...overrides }), options);
}

test('a TypeScript module is given typed parameters and its context, and reports steps and a result', () =>
  withContext(async (ctx) => {
    const source = `
      interface Context { seed: number; domain: string; domainArgs: { share: number }; scratch: string;
        report(step: number, metrics: Record<string, number>): void }
      export async function evaluate(params: Record<string, unknown>, context: Context) {
        const told = [params.cache === 64, params.ratio === 0.25, params.mode === 'fast', params.compress === true,
          context.seed === 4000000000, context.domain === 'read', context.domainArgs.share === 0.9,
          process.cwd() === ${JSON.stringify(ctx.configDir)}, context.scratch === process.env.KLOROS_SCRATCH];
        context.report(1, { throughput: 1 });
        setInterval(() => {}, 1000);
        return { throughput: told.filter(Boolean).length };
      }`;
    const result = await runModule(ctx, source);
    expect(result).toMatchObject({ state: 'completed', metrics: { throughput: 9 } });
    expect(result.steps).toEqual([{ step: 1, metrics: { throughput: 1 } }]);
  }));

const BROKEN = [
  ['throws', `export const evaluate = () => { throw new Error('no port') }`, 'exit', /1/, /no port/],
  [
    'rejects later',
    `export const evaluate = async () => { await 0; throw 'plain words' }`,
    'exit',
    /1/,
    /plain words/,
  ],
  ['cannot be parsed', `export const evaluate = (`, 'exit', /1/, /SyntaxError/],
  [
    'exports nothing of the name',
    `export const other = 1`,
    'exit',
    /1/,
    /exports no function named evaluate/,
  ],
  ['gives no object', `export const evaluate = () => 5`, 'exit', /1/, /gave 5, not an object/],
  [
    'gives NaN',
    `export const evaluate = () => ({ throughput: 0 / 0 })`,
    'metrics',
    /throughput .* "NaN"/,
    /^$/,
  ],
  [
    'never settles',
    `export const evaluate = () => new Promise(() => {})`,
    'metrics',
    /throughput is missing/,
    /^$/,
  ],
  [
    'ends the process',
    `export const evaluate = () => process.exit(0)`,
    'metrics',
    /throughput is missing/,
    /^$/,
  ],
] as const;

test.for(BROKEN)('a module that %s fails its trial and says so', ([, source, failure, reason, output]) =>
  withContext(async (ctx) => {
    const result = await runModule(ctx, source);
    expect(result).toMatchObject({ state: 'failed', failure, reason: expect.stringMatching(reason) });
    expect(result.outputTail).toMatch(output);
  }),
);

test('a module in an endless loop is killed at its time limit', () =>
  withContext(async (ctx) => {
    const limits = { ...trial().limits, timeout: 800 };
    const result = await runModule(ctx, 'export const evaluate = () => { for (;;); }', { limits });
    expect(result).toMatchObject({ state: 'failed', failure: 'timeout' });
  }));

test('a module hears that it is to end, and can close what is open', () =>
  withContext(async (ctx) => {
    const source = `
      import { writeFileSync } from 'node:fs';
      export const evaluate = (_params, { signal, report }) => new Promise(() => {
        signal.addEventListener('abort', () => { writeFileSync('closed', ''); process.exit(0); });
        report(1, { throughput: 1 });
        setInterval(() => {}, 1000);
      });`;
    const result = await runModule(ctx, source, {}, { onStep: () => 'stop' });
    expect(result.state).toBe('stopped');
    expect(existsSync(join(ctx.configDir, 'closed'))).toBe(true);
  }));

test('a module does not outlive the process that started it', () =>
  withContext(async (ctx) => {
    writeFileSync(
      join(ctx.configDir, 'endless.mjs'),
      `import { writeFileSync } from 'node:fs';
       export const evaluate = () => { writeFileSync('pid', String(process.pid)); return new Promise(() => setInterval(() => {}, 1000)); };`,
    );
    // Started as an executor does it, by a process that is then killed without a chance to tidy up.
    const starter = spawn(
      process.execPath,
      [
        '-e',
        `require('node:child_process').spawn(process.execPath, ${JSON.stringify([moduleHostPath(), join(ctx.configDir, 'endless.mjs')])},
           { detached: true, stdio: 'ignore' }); setInterval(() => {}, 1000)`,
      ],
      {
        cwd: ctx.configDir,
        env: {
          KLOROS_SEED: '1',
          KLOROS_DOMAIN: 'd',
          KLOROS_DOMAIN_ARGS: '{}',
          KLOROS_SCRATCH: '.',
          KLOROS_PARAMS: 'p',
          KLOROS_METRICS: 'm',
        },
        stdio: 'ignore',
      },
    );
    writeFileSync(join(ctx.configDir, 'p'), '{}');
    await until(() => existsSync(join(ctx.configDir, 'pid')));
    const pid = Number(readFileSync(join(ctx.configDir, 'pid'), 'utf8'));
    starter.kill('SIGKILL');
    await until(() => alive([pid]).length === 0);
    expect(readdirSync(ctx.configDir)).toContain('pid');
  }));
