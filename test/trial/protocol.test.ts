import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localExecutor } from '../../src/trial/execute.ts';
import { MIB, sh, trial, withContext } from './support.ts';

test('an evaluator is given the parameters, the domain, the seed and a scratch folder, and its metrics come back', () =>
  withContext(async (ctx) => {
    const script = `
      [ "$KLOROS_PARAM_CACHE" = 64 ] && [ "$KLOROS_PARAM_RATIO" = 0.25 ] && [ "$KLOROS_PARAM_MODE" = fast ] &&
      [ "$KLOROS_PARAM_COMPRESS" = true ] && [ "$KLOROS_SEED" = 4000000000 ] && [ "$KLOROS_DOMAIN" = read ] &&
      [ "$KLOROS_DOMAIN_ARGS" = '{"share":0.9}' ] && [ "$PWD" = "${ctx.configDir}" ] &&
      cp "$KLOROS_PARAMS" seen.json && echo x > "$KLOROS_SCRATCH/x" && echo y > "$(mktemp)" &&
      echo '{"throughput": 12.5, "p99": 3}' >> "$KLOROS_METRICS" && echo done`;
    const result = await localExecutor(ctx, 1).run(trial(sh(script)));
    expect(result).toMatchObject({
      state: 'completed',
      metrics: { throughput: 12.5, p99: 3 },
      steps: [],
      outputTail: 'done\n',
      startedAt: ctx.clock.now(),
    });
    expect(JSON.parse(ctx.fs.readFileSync(join(ctx.configDir, 'seen.json'), 'utf8'))).toEqual(trial().params);
    expect(readdirSync(ctx.paths.scratch)).toEqual([]);
  }));

test('the environment is built from nothing: no secret of KLoROS reaches it, and its configuration cannot forge the protocol', () =>
  withContext(async (ctx) => {
    const env = { ...ctx.env, SECRET: 'token', HOME: '/nowhere', TZ: 'Europe/Berlin', NODE_OPTIONS: '--bad' };
    const request = trial({
      evaluator: {
        command: ['env'],
        env: { OWN: 'yes', LANG: 'de_DE.UTF-8', KLOROS_SEED: '1', KLOROS_METRICS: '/x' },
      },
    });
    const { outputTail } = await localExecutor({ ...ctx, env }, 1).run(request);
    const seen = Object.fromEntries(
      outputTail
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    expect(seen).toMatchObject({ OWN: 'yes', LANG: 'de_DE.UTF-8', HOME: '/nowhere', TZ: 'Europe/Berlin' });
    expect(seen).toMatchObject({ KLOROS_SEED: '4000000000', KLOROS_EXPERIMENT: 'demo' });
    expect(seen.KLOROS_METRICS).toContain(ctx.paths.scratch);
    expect(seen).not.toHaveProperty('SECRET');
    expect(seen).not.toHaveProperty('NODE_OPTIONS');
  }));

test('intermediate metrics are told while the trial runs, and the caller can stop it early', () =>
  withContext(async (ctx) => {
    const seen: number[] = [];
    const script = `for n in 1 2 3; do echo "{\\"step\\": $n, \\"throughput\\": $n}" >> $KLOROS_METRICS; sleep 0.2; done; sleep 60`;
    const result = await localExecutor(ctx, 1).run(trial(sh(script)), {
      onStep: ({ step, metrics }) => {
        expect(metrics).toEqual({ throughput: step });
        seen.push(step);
        return step === 2 ? 'stop' : 'go-on';
      },
    });
    expect(seen).toEqual([1, 2]);
    expect(result).toMatchObject({
      state: 'stopped',
      reason: 'stopped early at step 2',
      metrics: { throughput: 2 },
    });
    expect(result.steps.map(({ step }) => step)).toEqual([1, 2]);
  }));

test('a caller that throws ends its trial and hears its own error', () =>
  withContext(async (ctx) => {
    const script = `echo '{"step": 1}' >> $KLOROS_METRICS; sleep 60`;
    const run = localExecutor(ctx, 1).run(trial(sh(script)), {
      onStep: () => {
        throw new Error('mine');
      },
    });
    await expect(run).rejects.toThrow('mine');
    expect(readdirSync(ctx.paths.scratch)).toEqual([]);
  }));

test('trials that run at once do not touch each other', () =>
  withContext(async (ctx) => {
    const executor = localExecutor(ctx, 4);
    const one = (n: number, wait: number) =>
      executor.run(
        trial({ id: `t${n}`, ...sh(`sleep ${wait} & wait; echo '{"throughput": ${n}}' >> $KLOROS_METRICS`) }),
      );
    const results = await Promise.all([one(1, 0), one(2, 0.3), one(3, 0.1), one(4, 0.6)]);
    expect(results.map(({ state, metrics }) => [state, metrics.throughput])).toEqual(
      [1, 2, 3, 4].map((n) => ['completed', n]),
    );
  }));

test('a program of the configuration’s folder is found by its relative path, a missing one is named', () =>
  withContext(async (ctx) => {
    mkdirSync(join(ctx.configDir, 'bin'));
    const program = '#!/bin/sh\necho \'{"throughput": 1}\' >> "$KLOROS_METRICS"\n';
    writeFileSync(join(ctx.configDir, 'bin', 'measure'), program, { mode: 0o755 });
    writeFileSync(join(ctx.configDir, 'bin', 'plain'), program, { mode: 0o644 });
    const run = (path: string) =>
      localExecutor(ctx, 1).run(trial({ evaluator: { command: [path], env: {} } }));
    expect(await run('./bin/measure')).toMatchObject({ state: 'completed' });
    expect(await run('./bin/other')).toMatchObject({
      failure: 'spawn',
      reason: expect.stringContaining('no such'),
    });
    expect(await run('./bin/plain')).toMatchObject({
      failure: 'spawn',
      reason: expect.stringContaining('executed'),
    });
    expect(await run('a\0b')).toMatchObject({ state: 'failed', failure: 'spawn' });
  }));

test('what does not fit into an environment fails the trial and says so', () =>
  withContext(async (ctx) => {
    const result = await localExecutor(ctx, 1).run(trial({ domainArgs: { blob: 'x'.repeat(MIB) } }));
    expect(result).toMatchObject({ failure: 'spawn', reason: expect.stringContaining('too large') });
  }));
