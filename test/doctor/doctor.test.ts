import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ExamineOptions, examine } from '../../src/doctor/examine.ts';
import { mendFindings } from '../../src/doctor/mend.ts';
import { closeContext } from '../../src/home/open.ts';
import { readEvents, verifyLedger } from '../../src/index.ts';
import { commitWhole } from '../support/baseline.ts';
import { kloros } from '../support/kloros.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';
import { FAULTS } from './faults.ts';
import { closeServers } from './planting.ts';

let sound: LoopHome;
let home: LoopHome;
let units: string;
let saved: string;

/** A sound home with a committed baseline, kept beside: each fault is planted into a fresh copy at the same place. */
beforeAll(async () => {
  sound = await loopHome();
  const ctx = await sound.open();
  await commitWhole(ctx, { cache: 256, mode: 'fast' });
  await closeContext(ctx);
  saved = mkdtempSync(join(tmpdir(), 'kloros-sound-'));
  cpSync(sound.root, saved, { recursive: true, preserveTimestamps: true });
});
afterAll(() => {
  sound.remove();
  rmSync(saved, { recursive: true, force: true });
});
beforeEach(() => {
  rmSync(sound.root, { recursive: true, force: true });
  cpSync(saved, sound.root, { recursive: true, preserveTimestamps: true });
  home = sound;
  units = mkdtempSync(join(tmpdir(), 'kloros-units-'));
});
afterEach(() => {
  closeServers();
  rmSync(units, { recursive: true, force: true });
});

const optionsFor = (over: Partial<ExamineOptions> = {}): ExamineOptions => ({
  home: home.home,
  configFile: home.configFile,
  env: { PATH: process.env.PATH },
  unitFolders: [units],
  ...over,
});

test('a sound home has no finding', async () => {
  expect((await examine(optionsFor())).findings).toEqual([]);
});

test('at least 25 different faults are planted', () => {
  expect(new Set(FAULTS.map(({ code }) => code)).size).toBeGreaterThanOrEqual(25);
});

test.each(FAULTS)(
  '$what is found as $code, with the command that mends it',
  async ({ code, mend, plant, fixable }) => {
    const told = await plant({ home, units });
    const { findings } = await examine(optionsFor(told ?? {}));
    const found = findings.filter((finding) => finding.code === code);
    expect(found, JSON.stringify(findings)).not.toEqual([]);
    for (const finding of found) expect(finding.mend).toMatch(mend);
    expect(found.some(({ fix }) => fix !== undefined)).toBe(fixable === true);
  },
);

test.each(FAULTS.filter(({ fixable }) => fixable))(
  '$what is mended by --fix, which the ledger tells',
  async ({ code, plant }) => {
    await plant({ home, units });
    const { findings } = await examine(optionsFor());
    expect(await mendFindings(findings, { ...optionsFor(), actor: 'test' })).toContain(code);
    expect((await examine(optionsFor())).findings).toEqual([]);
    const ctx = await home.open();
    try {
      const [event] = await readEvents(ctx.db, { kind: 'doctor.mended' });
      expect(event?.data).toMatchObject({ actor: 'test' });
      expect((await verifyLedger(ctx.db)).ok).toBe(true);
    } finally {
      await closeContext(ctx);
    }
  },
);

test('a network file system that was named is let pass', async () => {
  const fault = FAULTS.find(({ code }) => code === 'disk.network');
  const told = await fault?.plant({ home, units });
  const named = { ...told, allowedFileSystems: ['nfs'] };
  expect((await examine(optionsFor(named))).findings).toEqual([]);
});

test('an evaluator that works is measured', async () => {
  const { evaluators, findings } = await examine(optionsFor({ evaluator: true }));
  expect(findings).toEqual([]);
  expect(evaluators).toMatchObject([{ experiment: 'demo', completed: 3 }]);
  expect(evaluators[0]?.durationMs).toBeGreaterThan(0);
});

describe('the command', () => {
  const doctor = (...args: string[]) => kloros({ home: home.home }, 'doctor', '--unit-dir', units, ...args);

  test('gates a deploy: 0 when sound, 78 for a mistake, 65 for damage, 0 for a warning', async () => {
    expect((await doctor()).exit).toBe(0);
    for (const [code, exit] of [
      ['kill.set', 0],
      ['program.missing', 78],
      ['ledger.broken', 65],
    ] as const) {
      await FAULTS.find((fault) => fault.code === code)?.plant({ home, units });
      const ran = await doctor('--json');
      expect(ran.exit, ran.stdout).toBe(exit);
      expect(JSON.parse(ran.stdout)).toMatchObject({ schema: 'kloros.doctor/v1', ok: exit === 0, exit });
    }
  });

  test('changes nothing unless it is told to', async () => {
    await FAULTS.find((fault) => fault.code === 'home.mode')?.plant({ home, units });
    expect((await doctor()).exit).toBe(78);
    expect((await doctor()).exit).toBe(78);
    expect((await doctor('--fix')).exit).toBe(0);
    expect((await doctor()).exit).toBe(0);
  });
});
