import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { localExecutor } from '../../src/trial/execute.ts';
import type { TrialFailure, TrialRequest } from '../../src/trial/types.ts';
import { alive, js, MIB, recordedPids, sh, trial, withContext } from './support.ts';

interface Case {
  readonly name: string;
  readonly request: Partial<TrialRequest>;
  readonly failure: TrialFailure;
  readonly reason: RegExp;
}

const limits = (some: Partial<TrialRequest['limits']>) => ({ limits: { ...trial().limits, ...some } });
const GOOD = `echo '{"throughput": 1}' >> $KLOROS_METRICS`;
const report = (line: string) => sh(`printf '%s\\n' '${line}' >> $KLOROS_METRICS`);

const CASES: Case[] = [
  { name: 'exits with an error', request: sh(`${GOOD}; exit 3`), failure: 'exit', reason: /with 3/ },
  { name: 'crashes', request: sh(`${GOOD}; kill -SEGV $$`), failure: 'signal', reason: /SIGSEGV/ },
  { name: 'is killed by someone else', request: sh(`kill -9 $$`), failure: 'signal', reason: /SIGKILL/ },
  { name: 'reports nothing', request: sh('true'), failure: 'metrics', reason: /throughput is missing/ },
  { name: 'reports another metric', request: report('{"p99": 1}'), failure: 'metrics', reason: /missing/ },
  {
    name: 'reports junk',
    request: report('42 ops'),
    failure: 'metrics',
    reason: /line 1 .* not JSON: 42 ops/,
  },
  {
    name: 'reports junk beside a result',
    request: sh(`${GOOD}; echo '[1]' >> $KLOROS_METRICS`),
    failure: 'metrics',
    reason: /line 2 .* not a JSON object/,
  },
  { name: 'reports NaN', request: report('{"throughput": NaN}'), failure: 'metrics', reason: /NaN/ },
  {
    name: 'reports Infinity as 1e999',
    request: report('{"throughput": 1e999}'),
    failure: 'metrics',
    reason: /not a finite number but Infinity/,
  },
  { name: 'reports null', request: report('{"throughput": null}'), failure: 'metrics', reason: /but null/ },
  {
    name: 'reports a number as text',
    request: report('{"throughput": "7"}'),
    failure: 'metrics',
    reason: /but "7"/,
  },
  {
    name: 'takes a good value back',
    request: sh(`${GOOD}; echo '{"throughput": false}' >> $KLOROS_METRICS`),
    failure: 'metrics',
    reason: /but false/,
  },
  {
    name: 'reports steps and no result',
    request: report('{"step": 1, "throughput": 5}'),
    failure: 'metrics',
    reason: /with a step only/,
  },
  {
    name: 'tears its last line',
    request: sh(`printf '{"throughput": 1' >> $KLOROS_METRICS`),
    failure: 'metrics',
    reason: /not JSON/,
  },
  {
    name: 'removes the metrics file',
    request: sh('rm $KLOROS_METRICS'),
    failure: 'metrics',
    reason: /missing/,
  },
  {
    name: 'puts a FIFO in its place',
    request: sh('rm $KLOROS_METRICS; mkfifo $KLOROS_METRICS'),
    failure: 'metrics',
    reason: /missing/,
  },
  {
    name: 'puts a link to a good file in its place',
    request: sh(`echo '{"throughput": 1}' > $KLOROS_SCRATCH/f; ln -sf $KLOROS_SCRATCH/f $KLOROS_METRICS`),
    failure: 'metrics',
    reason: /missing/,
  },
  {
    name: 'puts a folder in its place',
    request: sh('rm $KLOROS_METRICS; mkdir $KLOROS_METRICS'),
    failure: 'metrics',
    reason: /missing/,
  },
  { name: 'floods stdout', request: sh(`${GOOD}; exec yes`), failure: 'output', reason: /printed more/ },
  {
    name: 'floods stderr and exits 0',
    request: { ...sh(`${GOOD}; head -c 70000 /dev/zero >&2`), ...limits({ output: 65_536 }) },
    failure: 'output',
    reason: /printed more/,
  },
  {
    name: 'floods its metrics',
    request: sh(`${GOOD}; yes '{"p99": 1}' >> $KLOROS_METRICS`),
    failure: 'output',
    reason: /of metrics/,
  },
  {
    name: 'hangs',
    request: { ...sh(`${GOOD}; sleep 60`), ...limits({ timeout: 300 }) },
    failure: 'timeout',
    reason: /within 0.3 s/,
  },
  {
    name: 'hangs and ignores SIGTERM',
    request: { ...sh(`${GOOD}; trap '' TERM; sleep 60 & wait; sleep 60`), ...limits({ timeout: 300 }) },
    failure: 'timeout',
    reason: /within/,
  },
  {
    name: 'stops itself',
    request: { ...sh(`${GOOD}; kill -STOP $$`), ...limits({ timeout: 300 }) },
    failure: 'timeout',
    reason: /within/,
  },
  {
    name: 'answers SIGTERM with exit 0',
    request: { ...sh(`${GOOD}; trap 'exit 0' TERM; sleep 60 & wait`), ...limits({ timeout: 300 }) },
    failure: 'timeout',
    reason: /within/,
  },
  {
    name: 'takes too much memory',
    request: {
      ...js('const all = []; setInterval(() => all.push(Buffer.alloc(16 * 2 ** 20, 1)), 5)'),
      ...limits({ memory: 160 * MIB }),
    },
    failure: 'memory',
    reason: /more than 160 MiB/,
  },
  {
    name: 'takes too much memory in many processes',
    request: {
      ...sh(`exec perl -e 'fork; fork; $x = "x" x (30 * 2**20); sleep 60'`),
      ...limits({ memory: 80 * MIB }),
    },
    failure: 'memory',
    reason: /more than 80 MiB/,
  },
  {
    name: 'takes too much CPU',
    request: { ...sh('while :; do :; done'), ...limits({ cpu: 300 }) },
    failure: 'cpu',
    reason: /more than 0.3 s of CPU/,
  },
  {
    name: 'takes too much CPU in children',
    request: {
      ...sh('while :; do head -c 20000000 /dev/zero | md5sum >/dev/null; done'),
      ...limits({ cpu: 300 }),
    },
    failure: 'cpu',
    reason: /CPU/,
  },
];

describe('an evaluator that misbehaves fails its trial, with the reason, and leaves nothing behind', () => {
  test.for(CASES)('$name', ({ request, failure, reason }) =>
    withContext(async (ctx) => {
      const result = await localExecutor(ctx, 1).run(trial(request));
      expect(result).toMatchObject({ state: 'failed', failure, reason: expect.stringMatching(reason) });
      expect(Buffer.byteLength(result.outputTail)).toBeLessThanOrEqual(4096);
      expect(readdirSync(ctx.paths.scratch)).toEqual([]);
    }),
  );
});

const LEFT: { name: string; script: string; state: string; timeout?: number }[] = [
  { name: 'children in the background', script: `sleep 60 & echo $! >> pids; ${GOOD}`, state: 'completed' },
  {
    name: 'children that ignore every polite signal',
    script: `(trap '' TERM HUP INT; echo $$ > /dev/null; sleep 60 & echo $! >> pids; wait) & echo $! >> pids; sleep 0.1; ${GOOD}`,
    state: 'completed',
  },
  {
    name: 'an orphan in a session of its own',
    script: `setsid sh -c 'echo $$ >> pids; exec sleep 60' & sleep 0.2; ${GOOD}`,
    state: 'completed',
  },
  {
    name: 'an orphan that was started by one that is gone',
    script: `(setsid sh -c 'sleep 60 & echo $! >> pids' &) ; sleep 0.2; ${GOOD}`,
    state: 'completed',
  },
  {
    name: 'an orphan with an empty environment',
    script: `env -i PATH=$PATH setsid sh -c 'echo $$ >> pids; sleep 60; :' & sleep 0.5; ${GOOD}`,
    state: 'completed',
  },
  {
    name: 'an orphan that holds its output open',
    script: `setsid sh -c 'echo $$ >> pids; exec sleep 60' & sleep 0.2; ${GOOD}; exit 0`,
    state: 'completed',
  },
  {
    name: 'a group of its own in the same session',
    script: `set -m; sleep 60 & echo $! >> pids; ${GOOD}`,
    state: 'completed',
  },
  {
    name: 'forks that start each other',
    script: `f() { sh -c 'echo $$ >> pids; sleep 60' & [ $1 -gt 0 ] && (f $(($1 - 1)) &); sleep 60; }; f 12`,
    state: 'failed',
    timeout: 600,
  },
  {
    name: 'orphans that start each other anew',
    script: `echo 'echo $$ >> pids; sleep 0.02; setsid sh ./again.sh & exec sleep 60' > again.sh; setsid sh ./again.sh & sleep 60`,
    state: 'failed',
    timeout: 400,
  },
];

describe('nothing that a trial started is alive after it', () => {
  test.for(LEFT)('$name', ({ script, state, timeout = 20_000 }) =>
    withContext(async (ctx) => {
      const result = await localExecutor(ctx, 1).run(
        trial({ ...sh(script), ...limits({ timeout, memory: 4096 * MIB }) }),
      );
      expect(result.state).toBe(state);
      const pids = recordedPids(ctx);
      expect(pids.length).toBeGreaterThan(0);
      expect(alive(pids)).toEqual([]);
      expect(readdirSync(ctx.paths.scratch)).toEqual([]);
    }),
  );
});

test('what is written after the time is over does not count', () =>
  withContext(async (ctx) => {
    const late = `trap 'echo "{\\"throughput\\": 99}" >> $KLOROS_METRICS; exit 0' TERM`;
    const script = `echo '{"throughput": 1}' >> $KLOROS_METRICS; ${late}; sleep 60 & wait`;
    const result = await localExecutor(ctx, 1).run(trial({ ...sh(script), ...limits({ timeout: 400 }) }));
    expect(result).toMatchObject({ state: 'failed', failure: 'timeout', metrics: { throughput: 1 } });
  }));

test('memory that is shared in a group counts once', () =>
  withContext(async (ctx) => {
    // Four processes that share 48 MiB: 192 MiB resident in sum, 48 MiB in truth.
    const script = `perl -e '$x = "x" x (48 * 2**20); fork; fork; sleep 1; wait; wait;
      if (open my $f, ">>", $ENV{KLOROS_METRICS}) { print $f "{\\"throughput\\": 1}\\n" }'`;
    const result = await localExecutor(ctx, 1).run(
      trial({ ...sh(script), ...limits({ memory: 128 * MIB }) }),
    );
    expect(result.state).toBe('completed');
    expect(result.peakMemory).toBeGreaterThan(48 * MIB);
    expect(result.peakMemory).toBeLessThan(128 * MIB);
  }));
