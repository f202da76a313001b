import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runEpoch } from '../../src/phase/epoch.ts';
import { readReport } from '../../src/phase/read-report.ts';
import { verifySignal } from '../../src/phase/signal.ts';
import { sha256Hex } from '../../src/store/json.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { control, FormulaExecutor, request, smallConfig } from './formula.ts';

let ctx: TestContext;
let report: string;
let signal: string;
let touch: string;

beforeEach(async () => {
  ctx = await testContext({ config: smallConfig() });
  await ctx.db.run('PRAGMA synchronous = OFF');
  await runEpoch(ctx, new FormulaExecutor(ctx.clock), control(), request());
  report = join(ctx.paths.phase, 'phase-1', 'report.json');
  touch = join(ctx.paths.signals, 'klr_phase_complete_phase-1');
  signal = `${touch}.json`;
});
afterEach(() => ctx.cleanup());

const code = async (): Promise<string> => {
  try {
    await readReport(ctx, 'phase-1');
    return 'valid';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};
const sign = (over: object) =>
  writeFileSync(signal, JSON.stringify({ ...JSON.parse(readFileSync(signal, 'utf8')), ...over }));

describe('a signal', () => {
  test('names the report, whose bytes have the hash it says', async () => {
    const text = readFileSync(report);
    expect(JSON.parse(readFileSync(signal, 'utf8'))).toEqual({
      epoch_id: 'phase-1',
      report,
      sha256: sha256Hex(text),
      ts: Math.floor(ctx.clock.now() / 1000),
    });
    expect(await verifySignal(ctx, 'phase-1')).toMatchObject({ epochId: 'phase-1', text: String(text) });
  });

  const INVALID: [string, () => void][] = [
    ['is missing', () => rmSync(signal)],
    ['has no touch-file', () => rmSync(touch)],
    ['is torn', () => writeFileSync(signal, readFileSync(signal, 'utf8').slice(0, 40))],
    ['is empty', () => writeFileSync(signal, '')],
    ['is of another epoch', () => sign({ epoch_id: 'phase-2' })],
    ['says no_report', () => sign({ sha256: 'no_report' })],
    ['has duplicate keys', () => writeFileSync(signal, '{"epoch_id":"phase-1","epoch_id":"phase-1"}')],
    [
      'is a link',
      () => {
        rmSync(signal);
        symlinkSync(report, signal);
      },
    ],
    [
      'is a folder',
      () => {
        rmSync(signal);
        mkdirSync(signal);
      },
    ],
    ['is large', () => appendFileSync(signal, ' '.repeat(1024 * 1024))],
  ];
  test.each(INVALID)('that %s is refused with its code', async (_case, damage) => {
    damage();
    expect(await code()).toBe('KLR_E_SIGNAL_INVALID');
  });

  test('of an id that is a path is refused before anything is read', async () => {
    await expect(verifySignal(ctx, '../../etc/passwd')).rejects.toMatchObject({
      code: 'KLR_E_SIGNAL_INVALID',
    });
  });
});

describe('a report that changed after its signal', () => {
  const CHANGED: [string, () => void][] = [
    ['by one space', () => appendFileSync(report, ' ')],
    [
      'in a verdict',
      () => writeFileSync(report, readFileSync(report, 'utf8').replace('"inconclusive"', '"accept"')),
    ],
    ['to nothing', () => writeFileSync(report, '')],
    ['by being removed', () => rmSync(report)],
    [
      'to a link',
      () => {
        rmSync(report);
        symlinkSync('/etc/hostname', report);
      },
    ],
    [
      'together with its signal',
      () => {
        const forged = readFileSync(report, 'utf8').replace('"inconclusive"', '"accept"');
        writeFileSync(report, forged);
        sign({ sha256: sha256Hex(forged) });
      },
    ],
  ];
  test.each(CHANGED)('%s is refused with its code', async (_case, change) => {
    change();
    expect(await code()).toBe('KLR_E_REPORT_CHANGED');
  });

  test('is read from its place, whatever path the signal names', async () => {
    const elsewhere = join(ctx.configDir, 'report.json');
    writeFileSync(elsewhere, '{}');
    sign({ report: elsewhere });
    expect(await code()).toBe('valid');
  });
});
