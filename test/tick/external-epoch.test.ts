/** `phase.command`: another program validates, by the signal protocol; KLoROS believes what is signed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { closeContext } from '../../src/home/open.ts';
import type { Context } from '../../src/index.ts';
import { currentBaseline, getPromotion, listPromotions, runTick } from '../../src/index.ts';
import { listEpochs } from '../../src/phase/records.ts';
import { verifySignal } from '../../src/phase/signal.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';

let home: LoopHome;
let ctx: Context;

afterEach(async () => {
  await closeContext(ctx);
  home.remove();
});

const SIGN = `
sign() { sum=$(sha256sum "$1" | cut -d' ' -f1)
  printf '{"epoch_id":"%s","report":"%s","sha256":"%s","ts":1}' "$KLOROS_EPOCH_ID" "$1" "$sum" > "$KLOROS_SIGNALS/klr_phase_complete_$KLOROS_EPOCH_ID.json"
  : > "$KLOROS_SIGNALS/klr_phase_complete_$KLOROS_EPOCH_ID"; }
`;

/** A home with one screened promotion, whose validation is this shell script. */
async function start(script: string, max_duration = '60s'): Promise<void> {
  home = await loopHome({
    dream: { command: ['true'] },
    phase: { command: ['sh', 'validate.sh'], max_duration },
  });
  writeFileSync(join(home.root, 'validate.sh'), `umask 077\n${SIGN}\n${script}`);
  ctx = await home.open();
  home.drop('promotions', 'p.json', {
    schema: 'v2',
    id: 'p',
    timestamp: 1_790_000_000,
    experiment: 'demo',
    fitness: 0.9,
    changes: { cache: 64 },
  });
  while (Object.keys(await listPromotions(ctx.db, { states: ['screened'] })).length === 0) await runTick(ctx);
}

const validate = () => runTick(ctx, { force: { kind: 'phase' } });
const verdict = async () => (await listEpochs(ctx.db))[0]?.verdicts[0];
const REPORT = (entry: string) =>
  `echo '{"verdicts":[${entry}]}' > "$PWD/report.json"; sign "$PWD/report.json"`;

test('an accepted promotion is committed and applied, with the signed report as its evidence', async () => {
  await start(REPORT('{"promotion_id":"p","verdict":"accept","reason":"faster","gain":0.2}'));
  expect(await validate()).toMatchObject({ outcome: 'PHASE_EPOCH', exit: 0 });
  const [epoch] = await listEpochs(ctx.db);
  expect(epoch).toMatchObject({ state: 'done', forced: true });
  expect((await verifySignal(ctx, epoch?.id ?? '')).sha256).toBe(epoch?.reportSha256);
  expect((await runTick(ctx)).outcome).toBe('BASELINE_COMMIT');
  expect((await currentBaseline(ctx.db, ctx.config)).params.demo).toMatchObject({ cache: 64 });
  expect(JSON.parse(home.read('promotions_ack', 'p_ack.json'))).toMatchObject({
    accepted: true,
    phase_epoch: epoch?.id,
    phase_sha: epoch?.reportSha256,
  });
  expect(home.read('processed', 'epochs.jsonl')).toContain(epoch?.id);
});

test('a rejected promotion is answered so', async () => {
  await start(REPORT('{"promotion_id":"p","verdict":"reject","reason":"slower","gain":-0.1}'));
  await validate();
  await runTick(ctx);
  expect(await getPromotion(ctx.db, 'p')).toMatchObject({ state: 'rejected' });
});

describe('what is not said clearly is inconclusive, never a pass', () => {
  test.each([
    ['another promotion', '{"promotion_id":"q","verdict":"accept","gain":1}'],
    ['an acceptance without its gain', '{"promotion_id":"p","verdict":"accept"}'],
    ['a gain beyond numbers', '{"promotion_id":"p","verdict":"accept","gain":1e999}'],
    ['a word that is no verdict', '{"promotion_id":"p","verdict":"ACCEPT","gain":1}'],
    [
      'two verdicts',
      '{"promotion_id":"p","verdict":"reject","gain":0},{"promotion_id":"p","verdict":"accept","gain":1}',
    ],
    ['nothing', ''],
  ])('%s', async (_, entry) => {
    await start(REPORT(entry));
    await validate();
    expect(await verdict()).toMatchObject({ verdict: 'inconclusive' });
    expect(await getPromotion(ctx.db, 'p')).toMatchObject({ state: 'screened' });
  });

  test('a report of the first system, which has rows of tests', async () => {
    await start(
      `printf '{"status":"pass"}\\n{"status":"pass"}\\n' > "$PWD/report.jsonl"; sign "$PWD/report.jsonl"`,
    );
    await validate();
    expect(await verdict()).toMatchObject({ verdict: 'inconclusive' });
  });
});

const good = REPORT('{"promotion_id":"p","verdict":"accept","gain":0.2}');

test.each([
  ['no signal', 'true', 'PHASE_FAILED', 6],
  ['a report that changed after it was signed', `${good}; echo >> report.json`, 'PHASE_FAILED', 6],
  ['a report that is not there', `${good}; rm report.json`, 'PHASE_FAILED', 6],
  ['a signal of another epoch', `KLOROS_EPOCH_ID=other; ${good}`, 'PHASE_FAILED', 6],
  [
    'a signal without its touch file',
    `${good}; rm "$KLOROS_SIGNALS/klr_phase_complete_$KLOROS_EPOCH_ID"`,
    'PHASE_FAILED',
    6,
  ],
  ['a failure after a good report', `${good}; exit 3`, 'PHASE_FAILED', 6],
])('%s accepts nothing', async (_, script, outcome, exit) => {
  await start(script);
  expect(await validate()).toMatchObject({ outcome, exit });
  expect(await getPromotion(ctx.db, 'p')).toMatchObject({ state: 'screened' });
  expect((await listEpochs(ctx.db))[0]).toMatchObject({ state: 'voided', verdicts: [] });
});

test('past its time it is killed, and the tick exits with 124', async () => {
  await start('sleep 60', '500ms');
  expect(await validate()).toMatchObject({ outcome: 'PHASE_TIMEOUT', exit: 124 });
});
