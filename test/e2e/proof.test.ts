import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approve, listEntries } from '../../src/escrow/queue.ts';
import { closeContext } from '../../src/home/open.ts';
import type { Context } from '../../src/index.ts';
import { readEvents, runTick, verifyLedger } from '../../src/index.ts';
import { collectEvidence, type Evidence, evidenceSha256 } from '../../src/tick/evidence/bundle.ts';
import { verifyEvidence } from '../../src/tick/evidence/verify.ts';
import { replay, replayDecision } from '../../src/tick/replay.ts';
import { kloros } from '../support/kloros.ts';
import { type LoopHome, loopHome, quickExperiment } from '../support/loop.ts';

let home: LoopHome;
let ctx: Context;

/** A change that a search measured, an epoch accepted, a person approved and a tick committed. */
beforeAll(async () => {
  home = await loopHome({
    escrow: { rules: [{ when: 'true', reason: 'always' }] },
    experiments: { demo: quickExperiment({ budget: { trials: 16, duration: '60s' } }) },
  });
  ctx = await home.open();
  const changes = { cache: 256, mode: 'fast' };
  const document = { schema: 'v2', id: 'better', timestamp: 1, experiment: 'demo', fitness: 0.9, changes };
  home.drop('promotions', 'better.json', { ...document, requested_by: 'ops' });
  await runTick(ctx);
  await runTick(ctx, { force: { kind: 'phase' } });
  expect(await runTick(ctx)).toMatchObject({ outcome: 'ESCROWED' });
  const [entry] = await listEntries(ctx.db, { states: ['waiting'] });
  expect(entry?.requester).toBe('ops');
  await approve(ctx, entry?.id ?? '', { reviewer: 'ana', reason: 'seen' });
  expect(await runTick(ctx)).toMatchObject({ outcome: 'BASELINE_COMMIT' });
}, 120_000);
afterAll(async () => {
  await closeContext(ctx);
  home.remove();
});

const copy = (evidence: Evidence) => JSON.parse(JSON.stringify(evidence));
const broken = (document: unknown) =>
  verifyEvidence(document)
    .filter(({ ok }) => !ok)
    .map(({ check }) => check);

describe('evidence', () => {
  test('holds everything that put a version into force, and is verified without the home', async () => {
    const file = join(home.root, 'evidence.json');
    const written = await kloros({ home: home.home }, 'evidence', '1', '--output', file);
    expect(written, written.stderr).toMatchObject({ exit: 0 });
    const evidence = JSON.parse(readFileSync(file, 'utf8'));
    expect(evidence).toMatchObject({
      schema: 'kloros.evidence/v1',
      baseline: { version: 1, promotionId: 'better' },
      approval: { reviewer: 'ana', requester: 'ops' },
      epoch: {
        verdicts: expect.arrayContaining([
          expect.objectContaining({ promotionId: 'better', verdict: 'accept' }),
        ]),
      },
    });
    expect(evidence.epoch.measurements.length).toBeGreaterThan(10);
    const verified = await kloros({}, 'evidence', 'verify', file, '--json');
    expect(verified, verified.stderr).toMatchObject({ exit: 0 });
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true });
    expect(await kloros({ home: home.home }, 'evidence', '1', '--output', file)).toMatchObject({ exit: 64 });
  });

  const forgeries: [string, (e: ReturnType<typeof copy>) => void][] = [
    ['another value in force', (e) => (e.baseline.params.demo.cache = 512)],
    ['another content', (e) => (e.baseline.content += '\n')],
    ['another token', (e) => (e.baseline.token += 1)],
    ['another version before', (e) => (e.previous.manifestSha256 = 'f'.repeat(64))],
    ['a change that was not promoted', (e) => (e.promotion.changes.cache = 128)],
    ['no epoch', (e) => (e.epoch = null)],
    ['another verdict', (e) => (e.epoch.verdicts[0].verdict = 'inconclusive')],
    ['a better gain', (e) => (e.epoch.verdicts[0].statistics.gain *= 2)],
    ['another measurement', (e) => (e.epoch.measurements.at(-1).metrics.throughput *= 1.01)],
    ['a measurement less', (e) => e.epoch.measurements.splice(3, 1)],
    ['another report', (e) => (e.epoch.report = e.epoch.report.replace('accept', 'reject'))],
    ['no approval', (e) => (e.approval = null)],
    ['an approval of another change', (e) => (e.approval.document.change.to.cache = 9)],
    ['an approval that had expired', (e) => (e.approval.expiresAt = e.baseline.ts)],
    ['another event', (e) => (e.events[0].data.reason = 'because')],
    ['no events', (e) => (e.events = [])],
    [
      'nothing at all',
      (e) => {
        for (const key of Object.keys(e)) delete e[key];
      },
    ],
  ];
  test.each(forgeries)('with %s it does not hold, even under a hash made anew', async (_, forge) => {
    const forged = copy(await collectEvidence(ctx, 1));
    expect(broken(forged)).toEqual([]);
    forge(forged);
    forged.sha256 = evidenceSha256(forged);
    expect(broken(forged)).not.toEqual([]);
  });

  test('of a roll-back holds as well', async () => {
    const { takeBack } = await import('../../src/tick/take-back.ts');
    const { version } = await takeBack(ctx, { actor: 'ana', reason: 'pager' });
    const evidence = copy(await collectEvidence(ctx, version));
    expect(evidence).toMatchObject({ promotion: null, epoch: null, previous: { version: version - 1 } });
    expect(broken(evidence)).toEqual([]);
    evidence.baseline.kind = 'promotion';
    expect(broken(evidence)).not.toEqual([]);
  });

  test.each([null, 7, 'x', []])('%j is no evidence', (document) => {
    expect(broken(document).length).toBeGreaterThan(0);
  });

  test('of a version that is not there is refused', async () => {
    await expect(collectEvidence(ctx, 9)).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
  });
});

test('what was learned is shown with the parameters that decided the search', async () => {
  const shown = await kloros({ home: home.home }, 'heuristics', 'show');
  expect(shown, shown.stderr).toMatchObject({ exit: 0 });
  expect(shown.stdout).toMatch(/^what decided dream-/m);
  const cycle = await ctx.db.get<{ id: string }>('SELECT id FROM cycles');
  const { experiments } = JSON.parse(
    (await kloros({ home: home.home }, 'heuristics', 'show', '--json')).stdout,
  );
  expect(experiments[0]).toMatchObject({ experiment: 'demo', cycle: cycle?.id, analysis: expect.anything() });
});

describe('replay', () => {
  test('every tick that decided something decides the same again, from the ledger alone', async () => {
    const ticks = await readEvents(ctx.db, { kind: 'tick' });
    const decided = ticks.filter((tick) => 'decided' in tick.data);
    expect(decided.map((tick) => tick.subject)).toEqual([
      'DREAM_CYCLE',
      'PHASE_EPOCH',
      'ESCROWED',
      'BASELINE_COMMIT',
    ]);
    for (const { seq } of decided)
      expect(await replay(ctx, `#${seq}`)).toMatchObject({ same: true, kind: 'tick' });
  });

  test('a cycle asks the same again, and an epoch gives the same verdicts', async () => {
    const cycle = await ctx.db.get<{ id: string }>('SELECT id FROM cycles');
    const searched = await replay(ctx, cycle?.id ?? '');
    expect(searched, searched.words).toMatchObject({ kind: 'cycle', same: true });
    const epoch = await ctx.db.get<{ id: string }>('SELECT id FROM epochs');
    expect(await replay(ctx, epoch?.id ?? '')).toMatchObject({
      kind: 'epoch',
      same: true,
      words: expect.stringContaining('better: accept'),
    });
    const ran = await kloros({ home: home.home }, 'replay', epoch?.id ?? '', '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({ same: true });
    expect(await verifyLedger(ctx.db)).toMatchObject({ ok: true });
  });

  test('another snapshot gives another decision', async () => {
    const [tick] = await readEvents(ctx.db, { kind: 'tick', subject: 'ESCROWED' });
    const data = tick?.data ?? {};
    const decided = data.decided as Parameters<typeof replayDecision>[0];
    expect(replayDecision(decided).action.kind).toBe('carry-out');
    expect(
      replayDecision({ ...decided, snapshot: { ...decided.snapshot, verdicts: [] } }).action.kind,
    ).not.toBe('carry-out');
  });

  test('a trial that was changed behind the ledger shows', async () => {
    const changed = async (owner: string, change: string, restore: string) => {
      await ctx.db.run(change, owner);
      const found = await replay(ctx, owner).catch((error: { code: string }) => error.code);
      await ctx.db.run(restore, owner);
      return found;
    };
    const epoch = await ctx.db.get<{ id: string }>('SELECT id FROM epochs');
    const worse =
      "UPDATE trials SET metrics = json_set(metrics, '$.throughput', json_extract(metrics, '$.throughput')";
    const where = "WHERE owner = ? AND role = 'candidate'";
    const found = await changed(epoch?.id ?? '', `${worse} * 2.0) ${where}`, `${worse} / 2.0) ${where}`);
    expect(found).toMatchObject({ same: false });
    const cycle = await ctx.db.get<{ id: string }>('SELECT id FROM cycles');
    const search = "WHERE owner = ? AND role = 'search'";
    const asked = await changed(
      cycle?.id ?? '',
      `UPDATE trials SET seed = seed + 2 ${search}`,
      `UPDATE trials SET seed = seed - 2 ${search}`,
    );
    expect(asked).toMatchObject({ same: false });
  });

  test.each(['999999', 'no-such-epoch', '../x'])('%s is refused', async (id) => {
    await expect(replay(ctx, id)).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
  });

  test('a tick with nothing to decide is not on record, and says so', async () => {
    await ctx.db.run('DELETE FROM watches');
    await runTick(ctx);
    const [idle] = await readEvents(ctx.db, { kind: 'tick', newestFirst: true, limit: 1 });
    expect(idle).toMatchObject({ subject: 'NOOP' });
    expect(idle?.data).not.toHaveProperty('decided');
    await expect(replay(ctx, String(idle?.seq))).rejects.toMatchObject({ code: 'KLR_E_REPLAY_IMPOSSIBLE' });
  });
});
