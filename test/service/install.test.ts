import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { unitDiff } from '../../src/service/diff.ts';
import { installedChoice, installService, uninstallService, unitFiles } from '../../src/service/install.ts';
import { daemon, settings } from './settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kloros-units-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

// A folder that systemd does not look into: nothing is started.
const place = () => ({ fs: nodeFileSystem, folder, own: false, env: {} });
const install = (s = settings(), force = false) => installService(s, place(), { force });
const states = (s = settings()) => Object.fromEntries(unitFiles(s, place()).map((f) => [f.name, f.state]));
const text = (name: string) => readFileSync(join(folder, name), 'utf8');
const edit = (name: string, from: string, to: string) =>
  writeFileSync(join(folder, name), text(name).replace(from, to));

describe('install', () => {
  test('writes the units, and a second time nothing', () => {
    expect(install().written).toHaveLength(3);
    expect(install()).toMatchObject({ written: [], removed: [], kept: [] });
  });

  test('writes anew what follows from a changed configuration', () => {
    install();
    const longer = settings({ longestTickMs: 99_000_000 });
    expect(states(longer)['kloros-tick.service']).toBe('outdated');
    expect(install(longer).written).toEqual([join(folder, 'kloros-tick.service')]);
    expect(text('kloros-tick.service')).toContain('TimeoutStartSec=99000');
  });

  test('changes from one mode to the other, and leaves nothing of the first', () => {
    install();
    const change = install(daemon());
    expect(change.removed.map((path) => path.slice(folder.length + 1)).sort()).toEqual([
      'kloros-tick.service',
      'kloros-tick.timer',
    ]);
    expect(readdirSync(folder).sort()).toEqual(['kloros-failure@.service', 'kloros.service']);
  });

  test('remembers what was chosen', () => {
    expect(installedChoice('kloros', place())).toBeNull();
    install(daemon());
    expect(installedChoice('kloros', place())).toEqual(daemon().chosen);
  });
});

describe('a unit that is not as it was written', () => {
  test.each([
    ['edited by hand', 'KLR_E_UNIT_EDITED', () => edit('kloros-tick.timer', 'minutely', 'hourly')],
    [
      'of somebody else',
      'KLR_E_UNIT_FOREIGN',
      () => writeFileSync(join(folder, 'kloros-tick.timer'), '[Timer]\n'),
    ],
  ])('%s is refused: nothing is changed', (_, code, plant) => {
    install();
    plant();
    const before = readdirSync(folder).map((name) => text(name));
    const longer = settings({ longestTickMs: 99_000_000 });
    expect(() => install(longer)).toThrow(expect.objectContaining({ code }));
    expect(() => uninstallService(longer, place(), { force: false })).toThrow(
      expect.objectContaining({ code }),
    );
    expect(readdirSync(folder).map((name) => text(name))).toEqual(before);
  });

  test('is kept as .bak with force, and no earlier one is lost', () => {
    install();
    writeFileSync(join(folder, 'kloros-tick.timer'), '# two\n');
    const { kept } = install(settings(), true);
    expect(kept).toEqual([join(folder, 'kloros-tick.timer.bak')]);
    writeFileSync(join(folder, 'kloros-tick.timer'), '# three\n');
    expect(uninstallService(settings(), place(), { force: true }).kept).toEqual([
      join(folder, 'kloros-tick.timer.bak2'),
    ]);
    expect(text('kloros-tick.timer.bak')).toBe('# two\n');
    expect(text('kloros-tick.timer.bak2')).toBe('# three\n');
  });

  test('a masked unit is a link, and stays what it is', () => {
    symlinkSync('/dev/null', join(folder, 'kloros-tick.timer'));
    expect(() => install()).toThrow(expect.objectContaining({ code: 'KLR_E_UNIT_FOREIGN' }));
    expect(readdirSync(folder)).toEqual(['kloros-tick.timer']);
  });

  test('its difference is shown line by line', () => {
    install();
    edit('kloros-tick.timer', 'OnCalendar=minutely', 'OnUnitActiveSec=60');
    const timer = unitFiles(settings(), place()).find(({ name }) => name === 'kloros-tick.timer');
    expect(timer && unitDiff(timer).split('\n').sort()).toEqual([
      '+ OnCalendar=minutely',
      '- OnUnitActiveSec=60',
    ]);
  });
});

test('uninstall takes away every unit of the service, and no other', () => {
  writeFileSync(join(folder, 'other.service'), '[Unit]\n');
  install();
  uninstallService(settings(), place(), { force: false });
  expect(readdirSync(folder)).toEqual(['other.service']);
  expect(existsSync(join(folder, 'kloros.service'))).toBe(false);
});
