import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listIntents } from '../../src/intent/queue.ts';
import { scanIntents } from '../../src/intent/scan.ts';
import { BAD_FILES, isRoot } from '../support/bad-files.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { archived, drop, intent } from './intents.ts';

let ctx: TestContext;

/** Scans twice: `invalid` files are archived once, between two sound ones that wait. */
async function scanBetweenSoundOnes(invalid: number): Promise<void> {
  drop(ctx, 'a.json', intent('trigger_dream'));
  drop(ctx, 'z.json', intent('reflect'));
  expect(await scanIntents(ctx)).toMatchObject({ received: 2, invalid, left: 0 });
  expect(await scanIntents(ctx)).toMatchObject({ received: 0, invalid: 0, left: 0 });
  expect((await listIntents(ctx.db, { states: ['waiting'] })).map((i) => i.file)).toEqual([
    'a.json',
    'z.json',
  ]);
  expect(archived(ctx, 'invalid')).toHaveLength(invalid);
  expect(readdirSync(ctx.paths.intents)).toEqual([]);
  expect(readdirSync(join(ctx.paths.processedIntents, 'claimed'))).toEqual([]);
}

describe('an intent that cannot be read is archived as invalid at once, with the reason, and kept beside it', () => {
  const makeable = BAD_FILES.filter((bad) => !bad.root || isRoot);
  beforeAll(async () => {
    ctx = await testContext();
    for (const [n, bad] of makeable.entries()) {
      const elsewhere = join(ctx.configDir, `elsewhere-${n}`);
      mkdirSync(elsewhere);
      bad.make(join(ctx.paths.intents, `bad-${n}.json`), JSON.stringify(intent()), elsewhere);
    }
    await scanBetweenSoundOnes(makeable.length);
  });
  afterAll(() => ctx.cleanup());

  test.for(BAD_FILES)('$kind', (bad, { skip }) => {
    skip(bad.root === true && !isRoot, 'making one needs root');
    const file = `bad-${makeable.indexOf(bad)}.json`;
    const record = archived(ctx, 'invalid').find((r) => r.file === file);
    expect(record).toMatchObject({ outcome: 'invalid', type: 'unknown' });
    expect(record?.reason).toMatch(bad.says);
    const kept = readdirSync(join(ctx.paths.processedIntents, 'invalid')).find((n) =>
      n.endsWith(`${file}.original`),
    );
    const isShape = bad.kind === 'a list' || bad.kind === 'null';
    expect(kept === undefined).toBe(isShape);
    if (kept) expect(lstatSync(join(ctx.paths.processedIntents, 'invalid', kept))).toBeDefined();
  });
});

const WRONG: [what: string, document: unknown, says: RegExp][] = [
  ['no type', intent('x', { intent_type: undefined }), /its type undefined is none of trigger_dream/],
  ['an unknown type', intent('alert_gpu_oom'), /its type "alert_gpu_oom" is none of/],
  ['a type named __proto__', intent('__proto__'), /its type "__proto__" is none of/],
  ['a type named toString', intent('toString'), /its type "toString" is none of/],
  ['a priority of words', intent('reflect', { priority: 'high' }), /priority is no whole number.*"high"/],
  ['a priority of true', intent('reflect', { priority: true }), /priority is no whole number.*true/],
  ['a priority above 10', intent('reflect', { priority: 11 }), /priority is no whole number/],
  ['a reason that is no text', intent('reflect', { reason: [] }), /reason is not a text/],
  ['an emitter that is no text', intent('reflect', { emitted_by: 1 }), /emitted_by is not a text/],
  ['data that is a list', intent('reflect', { data: [] }), /data is not an object/],
  [
    'a time of words',
    intent('reflect', { generated_at: 'yesterday' }),
    /generated_at is no time: "yesterday"/,
  ],
  ['a time before time', intent('reflect', { generated_at: -1 }), /generated_at is no time/],
  [
    'an unknown experiment',
    intent('trigger_dream', { data: { experiment: '../x' } }),
    /no experiment "\.\.\/x"; there are: demo/,
  ],
  ['no trials', intent('trigger_dream', { data: { trials: 0 } }), /trials is no whole number/],
  ['half a trial', intent('trigger_dream', { data: { trials: 1.5 } }), /trials is no whole number/],
  ['a seed below zero', intent('trigger_dream', { data: { seed: -1 } }), /seed is no whole number/],
  ['a misspelt key', intent('trigger_dream', { data: { experimnt: 'demo' } }), /"experimnt".*experiment/],
  ['a version that is a path', intent('rollback', { data: { to: '../1' } }), /to is no version/],
  ['a version that is true', intent('rollback', { data: { to: true } }), /to is no version/],
  ['a checksum of something else', intent('reflect', { sha256: 'ab'.repeat(32) }), /sha256 does not match/],
  ['a checksum that is no text', intent('reflect', { sha256: 1 }), /sha256 does not match/],
];

describe('an intent that asks for nothing sensible is archived as invalid, with which and why', () => {
  beforeAll(async () => {
    ctx = await testContext();
    for (const [n, [, document]] of WRONG.entries()) drop(ctx, `wrong-${n}.json`, document);
    await scanBetweenSoundOnes(WRONG.length);
  });
  afterAll(() => ctx.cleanup());

  test.each(WRONG.map(([what, , says], n) => [what, says, `wrong-${n}.json`] as const))(
    '%s',
    (_, says, file) => {
      expect(archived(ctx, 'invalid').find((r) => r.file === file)?.reason).toMatch(says);
    },
  );
});

test('the name of a file is never trusted: an odd one is not repeated, and its intent is taken in', async () => {
  ctx = await testContext();
  const names = ['sp ace.json', 'new\nline.json', `${'n'.repeat(250)}.json`, '-rf.json', 'a..b.json'];
  for (const [n, name] of names.entries()) drop(ctx, name, intent('rollback', { data: { to: n } }));
  expect(await scanIntents(ctx)).toMatchObject({ received: names.length, invalid: 0 });
  expect((await listIntents(ctx.db)).map((i) => i.data.to)).toEqual(
    names.toSorted().map((name) => names.indexOf(name)),
  );
  await ctx.cleanup();
});
