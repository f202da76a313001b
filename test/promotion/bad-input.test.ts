import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ackFileName } from '../../src/promotion/ack.ts';
import { getPromotion, listPromotions } from '../../src/promotion/records.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { BAD_FILES, isRoot } from '../support/bad-files.ts';
import { type ConfigInput, experimentConfig, type TestContext, testContext } from '../support/context.ts';
import { ackNames, ackOf, defaults, drop, v1 } from './promotions.ts';

/** One home in which all of `make` puts its files between two sound ones; scanned twice. */
function scannedHome(config: Partial<ConfigInput>, make: (ctx: TestContext) => number): () => TestContext {
  let ctx: TestContext;
  beforeAll(async () => {
    ctx = await testContext({ config });
    drop(ctx, 'a.json', v1('a'));
    drop(ctx, 'z.json', v1('z'));
    const rejected = make(ctx);
    expect(await scanPromotions(ctx, defaults(ctx))).toMatchObject({ received: 2, rejected, left: 0 });
    expect(await scanPromotions(ctx, defaults(ctx))).toMatchObject({ received: 0, rejected: 0, left: 0 });
    expect((await listPromotions(ctx.db, { states: ['received'] })).map((p) => p.id)).toEqual(['a', 'z']);
    expect(ackNames(ctx)).toHaveLength(rejected);
    expect(await readEvents(ctx.db, { kind: 'promotion.rejected' })).toHaveLength(rejected);
  });
  afterAll(() => ctx.cleanup());
  return () => ctx;
}

describe('a file that cannot be read is rejected once with an ACK that says why, and stays where it is', () => {
  const makeable = BAD_FILES.filter((bad) => !bad.root || isRoot);
  const pathOf = (ctx: TestContext, n: number) => join(ctx.paths.promotions, `bad-${n}.json`);
  const home = scannedHome({}, (ctx) => {
    for (const [n, bad] of makeable.entries()) {
      const elsewhere = join(ctx.configDir, `elsewhere-${n}`);
      mkdirSync(elsewhere);
      bad.make(pathOf(ctx, n), JSON.stringify(v1(`bad-${n}`)), elsewhere);
    }
    return makeable.length;
  });
  test.for(BAD_FILES)('$kind', (bad, { skip }) => {
    skip(bad.root === true && !isRoot, 'making one needs root');
    const n = makeable.indexOf(bad);
    const ack = ackOf(home(), `bad-${n}.json`);
    expect(ack).toMatchObject({
      promotion_id: `@bad-${n}`,
      accepted: false,
      schema: 'v1',
      phase_epoch: null,
      phase_sha: null,
    });
    expect(ack?.rejection_reason).toMatch(bad.says);
    expect(ack?.rejection_reason).toContain(`bad-${n}.json: `);
    expect(lstatSync(pathOf(home(), n))).toBeDefined();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

const WRONG: [what: string, document: Record<string, unknown>, says: RegExp][] = [
  ['an unknown parameter', v1('x', { cahce: 64 }), /no parameter "cahce".*cache/],
  ['a parameter named toString', v1('x', { toString: 64 }), /no parameter "toString"/],
  ['a value above its maximum', v1('x', { cache: 1025 }), /cache: 1025 is above its maximum, 1024/],
  ['a value below its minimum', v1('x', { cache: 0 }), /cache: 0 is below its minimum, 1/],
  ['a fraction for an int', v1('x', { cache: 8.5 }), /cache takes a whole number/],
  ['a value off the step', v1('x', { size: 100 }), /size: 100 is not 0 plus a whole number of steps of 64/],
  ['true for a number', v1('x', { cache: true }), /cache: schema v1 takes numbers only, not boolean/],
  [
    'true for a number in v2',
    { ...v1('x', { cache: true }), schema: 'v2' },
    /cache takes a number, not true/,
  ],
  ['1 for a boolean', v1('x', { compress: 1 }), /compress takes true or false, not 1/],
  ['a text for a number', { ...v1('x', { cache: '64' }), schema: 'v2' }, /cache takes a number, not "64"/],
  ['null for a number', { ...v1('x', { cache: null }), schema: 'v2' }, /cache takes a number, not null/],
  ['a list for a number', { ...v1('x', { cache: [64] }), schema: 'v2' }, /cache takes a number/],
  [
    'an unknown choice',
    { ...v1('x', { mode: 'warp' }), schema: 'v2' },
    /mode: "warp" is none of its choices/,
  ],
  ['a number beyond 2^53', v1('x', { cache: 2 ** 53 }), /cache takes a whole number/],
  [
    'a forbidden combination',
    v1('x', { cache: 1024, ratio: 1 }),
    /"cache > 1000 && ratio > 0.9" is forbidden/,
  ],
  ['a parameter that is off', v1('x', { frozen: 2 }), /frozen is never changed \(off\)/],
  ['a parameter that is only observed', v1('x', { watched: 2 }), /watched is never changed \(observe\)/],
  ['an inactive parameter', v1('x', { level: 3 }), /level is not active/],
  ['no changes', v1('x', {}), /changes nothing/],
  ['the values in force', v1('x', { cache: 8 }), /the baseline has these values already/],
  ['no schema', { ...v1('x'), schema: undefined }, /schema is missing/],
  ['an unsupported schema', { ...v1('x'), schema: 'v9' }, /schema is unsupported/],
  ['a negative fitness', { ...v1('x'), fitness: -1 }, /fitness is negative/],
  ['true as fitness', { ...v1('x'), fitness: true }, /fitness is not a finite number/],
  ['no fitness', { ...v1('x'), fitness: undefined }, /field fitness is missing/],
  ['no changes at all', { ...v1('x'), changes: undefined }, /field changes is missing/],
  ['a list of changes', { ...v1('x'), changes: [1] }, /changes is not an object/],
  ['an unknown experiment', { ...v1('x'), experiment: '__proto__' }, /no experiment "__proto__"/],
  [
    'a version that does not exist',
    { ...v1('x'), schema: 'v2', baseline_version: 7 },
    /version 7 does not exist/,
  ],
  [
    'a version that is no number',
    { ...v1('x'), schema: 'v2', baseline_version: '0' },
    /not the number of a version/,
  ],
  [
    'v0 without parameters',
    { promotion_id: 'x', experiment: 'demo', winner: { fitness: 1 } },
    /winner.params/,
  ],
];

const strictConfig = {
  experiments: {
    demo: experimentConfig({
      parameters: {
        ...experimentConfig().parameters,
        size: { type: 'int', low: 0, high: 1024, step: 64, default: 64 },
        frozen: { type: 'int', low: 1, high: 4, default: 1, autonomy: 'off' },
        watched: { type: 'int', low: 1, high: 4, default: 1, autonomy: 'observe' },
        level: { type: 'int', low: 1, high: 9, default: 1, when: { compress: [true] } },
      },
      forbidden: ['cache > 1000 && ratio > 0.9'],
    }),
  },
};

describe('a promotion that may not be tried is rejected once with an ACK that says which and why', () => {
  const home = scannedHome(strictConfig, (ctx) => {
    for (const [n, [, document]] of WRONG.entries()) {
      const id = `wrong-${n}`;
      drop(
        ctx,
        `${id}.json`,
        'promotion_id' in document ? { ...document, promotion_id: id } : { ...document, id },
      );
    }
    return WRONG.length;
  });
  test.each(WRONG.map(([what, , says], n) => [what, says, `wrong-${n}`] as const))(
    '%s',
    async (_, says, id) => {
      expect(ackOf(home(), `${id}.json`)).toMatchObject({ promotion_id: id, accepted: false });
      expect(ackOf(home(), `${id}.json`)?.rejection_reason).toMatch(says);
      expect(await getPromotion(home().db, id)).toMatchObject({ state: 'rejected' });
    },
  );
});

describe('a promotion with an id that is no safe id is rejected under the name of its file', () => {
  const ids = [
    '../../etc/x',
    '/abs',
    '..',
    'a/b',
    'a\\b',
    'a\nb',
    'a\u0000b',
    ' a',
    '@a',
    'a'.repeat(200),
    '',
    7,
    null,
  ];
  const home = scannedHome({}, (ctx) => {
    for (const [n, id] of ids.entries()) drop(ctx, `id-${n}.json`, { ...v1('x'), id });
    return ids.length;
  });
  test.each(ids.map((id, n) => [JSON.stringify(id), `id-${n}`]))('%s', (_, stem) => {
    expect(ackOf(home(), `${stem}.json`)).toMatchObject({ promotion_id: `@${stem}`, accepted: false });
    expect(ackOf(home(), `${stem}.json`)?.rejection_reason).toMatch(/no safe id/);
    expect(readdirSync(home().configDir)).toEqual(['home']);
  });
});

describe('a promotion in a file whose name may not be repeated is rejected without being opened', () => {
  const names = [
    'sp ace.json',
    'new\nline.json',
    '\u202Egnp.json',
    'a..b.json',
    `${'n'.repeat(245)}.json`,
    '-rf.json',
  ];
  const home = scannedHome({}, (ctx) => {
    for (const name of names) drop(ctx, name, v1('unsafe'));
    return names.length;
  });
  test.each(names.map((name) => [JSON.stringify(name).slice(0, 20), name]))('%s', async (_, name) => {
    expect(ackFileName(name)).toMatch(/^unsafe-[0-9a-f]{16}_ack\.json$/);
    expect(ackOf(home(), name)?.rejection_reason).toMatch(/file name is not safe/);
    expect(await getPromotion(home().db, 'unsafe')).toBeNull();
  });
});
