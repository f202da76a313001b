import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { experimentConfig } from '../support/context.ts';
import { kloros, klorosOnTerminal } from '../support/kloros.ts';
import { type LoopHome, loopHome, quickExperiment } from '../support/loop.ts';

let home: LoopHome;

/** A promotion into a risky parameter: it has to go through escrow. */
const PROMOTION = {
  schema: 'v2',
  id: 'bigger-cache',
  timestamp: 1_790_000_000,
  experiment: 'demo',
  fitness: 0.9,
  changes: { cache: 256, mode: 'fast' },
};

const [CTRL_C, CTRL_D] = ['\u0003', '\u0004'];

/** A PHASE window that is not open while the test runs, whenever that is. */
function farWindow(): { start: string; end: string; zone: string } {
  const hour = (ahead: number) => String((new Date().getUTCHours() + ahead) % 24).padStart(2, '0');
  return { start: `${hour(10)}:00`, end: `${hour(12)}:00`, zone: 'UTC' };
}

beforeAll(async () => {
  const { parameters } = experimentConfig();
  const demo = quickExperiment({
    parameters: {
      ...parameters,
      mode: { type: 'categorical', choices: ['slow', 'fast'], default: 'slow', risky: true },
    },
    budget: { trials: 2, duration: '60s' },
  });
  home = await loopHome({
    experiments: { demo },
    phase: { slices: 2, replicas: 3, warmup: 0, max_duration: '120s', window: farWindow() },
  });
  writeFileSync(join(home.root, 'bigger-cache.json'), JSON.stringify(PROMOTION));
});
afterAll(() => home.remove());

/** Runs a command that has to succeed, and gives what it prints for a person. */
async function words(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await kloros({ home: home.home, cwd: home.root }, ...args);
  expect({ args, exit, stderr }).toEqual({ args, exit: 0, stderr: expect.anything() });
  return stdout;
}

/** What JSON holds: anything, at any depth. */
interface Json {
  readonly [key: string]: Json | undefined;
}

/** The same with --json: one document of this schema. */
async function json(schema: string, ...args: string[]): Promise<Json> {
  const value = JSON.parse(await words(...args, '--json'));
  expect(value.schema).toBe(`kloros.${schema}/v1`);
  return value;
}

describe.sequential('the whole loop by the command line', () => {
  let escrowId = '';

  test('a promotion is submitted, counted, and received by the next search', async () => {
    expect(await json('promotions-count', 'promotions', '--count-unacked')).toMatchObject({ unacked: 0 });
    expect(await words('promotions', 'submit', 'bigger-cache.json')).toContain(
      'submitted bigger-cache for demo',
    );
    const dream = await json('tick', 'dream', 'demo', '--trials', '1', '--seed', '5');
    expect(dream).toMatchObject({ outcome: 'DREAM_CYCLE', exit: 0, cycle: { experiment: 'demo', seed: 5 } });
    expect(await words('promotions', 'list', '--count-unacked')).toMatch(/^[1-9]\n$/);
    expect(await words('promotions', 'list', '--state', 'screened')).toMatch(
      /^bigger-cache +screened +demo /m,
    );
    expect(await words('promotions')).toMatch(/^bigger-cache +screened +demo /m);
  });

  test('the search is listed and shown with its trials and its screening', async () => {
    const { cycles } = await json('cycles', 'dream', 'list');
    expect(cycles).toHaveLength(1);
    const { cycle } = await json('cycle', 'dream', 'show');
    expect(cycle).toMatchObject({ state: 'done', trials: expect.arrayContaining([expect.anything()]) });
    expect(await words('dream', 'show')).toMatch(/^screened +\+\d+\.\d % +bigger-cache/m);
    expect(await words('dream', 'show', '--no-trials')).not.toContain('CONFIGURATION');
  });

  test('an epoch validates it, outside the window by force alone', async () => {
    const { stderr } = await kloros({ home: home.home }, 'phase', 'run', '--json');
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'KLR_E_PHASE_NOT_DUE', exit: 64 });
    const { window, next, screened } = await json('phase-next', 'phase', 'next');
    expect({
      window,
      screened,
      opens: new Date(Number(next?.opensAt)).toISOString().slice(11, 16),
    }).toMatchObject({
      opens: window?.start,
    });
    expect(await words('phase', 'next')).toMatch(/^epoch +not now: outside the PHASE window$/m);
    await json('tick', 'phase', 'run', '--force');
    const { epochs } = await json('epochs', 'phase', 'list');
    expect(epochs).toMatchObject([{ state: 'done' }]);
    const shown = await words('phase', 'show');
    expect(shown).toMatch(/^bigger-cache +accept: /m);
    expect(shown).toMatch(/^ok +objective +throughput +read /m);
    expect(await json('epoch', 'phase', 'show', String(epochs?.[0]?.id))).toMatchObject({
      epoch: epochs?.[0],
    });
  });

  test('a person sees what waits, and an approval binds the hash that was seen', async () => {
    expect(await words('tick')).toContain('ESCROWED');
    const { entries } = await json('escrow', 'escrow', 'list');
    expect(entries).toMatchObject([{ promotionId: 'bigger-cache', state: 'waiting', baseVersion: 0 }]);
    const [entry] = entries as unknown as { id: string; contentSha256: string }[];
    escrowId = entry?.id ?? '';
    const sha = entry?.contentSha256 ?? '';
    const shown = await words('escrow', 'show', escrowId);
    expect(shown).toMatch(/^mode +slow +fast$/m);
    expect(shown).toContain(`approve ${escrowId} --sha ${sha.slice(0, 12)}`);
    const other = await kloros(
      { home: home.home },
      'escrow',
      'approve',
      escrowId,
      '--reason',
      'x',
      '--sha',
      '0'.repeat(12),
    );
    expect(other).toMatchObject({
      exit: 65,
      stdout: '',
      stderr: expect.stringContaining('KLR_E_ESCROW_CHANGED'),
    });
    const approved = await words(
      'escrow',
      'approve',
      escrowId,
      '--reason',
      'fits',
      '--sha',
      sha.slice(0, 12),
    );
    expect(approved).toContain(`binds content ${sha}`);
    expect(await words('escrow', 'list')).toBe('nothing waits for you\n');
  });

  test('the approved change is the baseline, and why it is can be asked', async () => {
    expect(await words('tick')).toContain('BASELINE_COMMIT');
    expect(await json('baseline', 'baseline', 'show')).toMatchObject({
      baseline: { version: 1, promotionId: 'bigger-cache', escrowId, params: { demo: PROMOTION.changes } },
    });
    expect(await words('baseline', 'log')).toMatch(/^v1 .*cache 8→256, mode slow→fast/m);
    expect(await words('baseline', 'diff', 'v0', '1')).toMatch(/^demo +mode +slow +fast$/m);
    expect(await json('baseline-verify', 'baseline', 'verify')).toMatchObject({ ok: true, versions: 1 });
    const { links } = await json('why', 'why', 'demo.mode');
    expect((links as unknown as { what: string }[]).map((link) => link.what)).toEqual([
      'version',
      'approval',
      'epoch',
      'promotion',
    ]);
    expect(await words('why', 'mode')).toContain('approved by');
    expect(await words('promotions', 'show', 'bigger-cache')).toMatch(/^state +committed/m);
    expect(await words('heuristics', 'show')).toMatch(/^demo +around 1 accepted/m);
  });

  test('a roll-back is planned, refused without an answer, done, and can be undone', async () => {
    expect(await json('rollback-plan', 'baseline', 'rollback', '--dry-run')).toMatchObject({
      from: 1,
      restores: 0,
      becomes: 2,
      files: [home.settings],
      differences: [
        { parameter: 'cache', from: 256, to: 8 },
        { parameter: 'mode', from: 'fast', to: 'slow' },
      ],
    });
    const where = { home: home.home };
    for (const options of [['--no-input'], []])
      expect(await kloros(where, 'baseline', 'rollback', ...options)).toMatchObject({
        exit: 64,
        stdout: '',
        stderr: expect.stringContaining('--yes'),
      });
    for (const answer of ['yes\r', '\r', CTRL_C, CTRL_D])
      expect(await klorosOnTerminal(where, 'baseline rollback', answer)).toMatchObject({
        exit: 64,
        stdout: expect.stringContaining('nothing was changed'),
      });
    expect(await json('pin', 'baseline', 'pin', '1', '--dry-run')).toMatchObject({
      pinned: false,
      dryRun: true,
    });
    expect(await json('pin', 'baseline', 'pin', 'v1', '--note', 'good')).toMatchObject({ pinned: true });
    const typed = await klorosOnTerminal(where, 'baseline rollback', 'v0\r');
    expect(typed).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('undo: kloros baseline rollback --to 1'),
    });
    const undone = await words('baseline', 'rollback', '--to', 'v1', '--yes', '--reason', 'an exercise');
    expect(undone).toContain('v3 is in force, with the content of v1');
    const { versions } = await json('baseline-log', 'baseline', 'log');
    expect(versions).toMatchObject([
      { version: 3, kind: 'rollback', restores: 1 },
      { version: 2, kind: 'rollback', restores: 0, pinned: false },
      { version: 1, kind: 'promotion', pinned: true },
    ]);
    expect(await words('baseline', 'unpin', '1')).toContain('no longer pinned');
  });

  test('an intent is submitted, seen in its folder, and listed with what came of it', async () => {
    await json('intent-submitted', 'intents', 'submit', 'reflect', '--priority', '9', '--reason', 'to look');
    expect(await json('intents', 'intents', 'list')).toMatchObject({ intents: [], dropped: 1 });
    // Before intents come the watch of the new version, and whatever else is due.
    for (let n = 0; n < 8 && !(await words('tick')).startsWith('INTENT'); n++);
    expect(await json('intents', 'intents', 'list', '--all')).toMatchObject({
      intents: [{ type: 'reflect', state: 'done', priority: 9, reason: 'to look' }],
      dropped: 0,
    });
  });

  test('ledger, log and metrics tell what happened, one JSON document a line', async () => {
    expect(await json('ledger-verify', 'ledger', 'verify')).toMatchObject({ ok: true });
    const [commits, ofEscrow, ticks, last, metrics, status] = await Promise.all([
      words('ledger', 'list', '--kind', 'baseline.committed', '--json'),
      words('ledger', 'list', '--subject', escrowId, '--since', '1h'),
      words('logs', '--event', 'tick', '--since', '1h', '--json'),
      words('logs', '-n', '2'),
      words('metrics'),
      words('status'),
    ]);
    const parsed = (text = '') =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    expect(parsed(commits).map((event) => event.subject)).toEqual(['1', '2', '3']);
    expect(ofEscrow?.match(/ escrow\.\w+ /g)).toEqual([
      ' escrow.requested ',
      ' escrow.approved ',
      ' escrow.used ',
    ]);
    expect(parsed(ticks).map((line) => line.outcome)).toContain('BASELINE_COMMIT');
    expect(last?.trim().split('\n')).toHaveLength(2);
    expect(metrics).toContain('\n# TYPE kloros_ticks_total counter\n');
    expect(status).toMatch(/^in force +v3 \(rollback/m);
  });
});
