import { describe, expect, test } from 'vitest';
import { calendarFor } from '../../src/service/calendar.ts';
import { longestStopMs, longestTickMs } from '../../src/service/limits.ts';
import { commandLine, folderList } from '../../src/service/quote.ts';
import { authorship, chosenIn } from '../../src/service/stamp.ts';
import { generateUnits } from '../../src/service/units.ts';
import { experimentConfig, parseConfig } from '../support/context.ts';
import { daemon, settingOf, settings } from './settings.ts';

const unit = (units: ReturnType<typeof generateUnits>, name: string) =>
  units.find((one) => one.name === name)?.text ?? '';

describe('limits follow the configuration', () => {
  test('a tick may take the longest epoch or cycle, each apply, and slack', () => {
    const apply = { file: 'a.json', format: 'json', timeout: '90s' } as const;
    const config = parseConfig({
      experiments: {
        demo: experimentConfig({ budget: { duration: '7h' }, apply }),
        other: experimentConfig({ budget: { duration: '10m' } }),
      },
      phase: { max_duration: '3h' },
    });
    const minute = 60_000;
    expect(longestTickMs(config)).toBe(7 * 60 * minute + 3 * minute + 15 * minute);
    expect(longestStopMs(config)).toBe(3 * minute + minute);
  });

  test('the unit has that limit in whole seconds, never below it', () => {
    const units = generateUnits(settings({ longestTickMs: 25_500_001, stopMs: 240_001 }));
    const tick = unit(units, 'kloros-tick.service');
    expect(settingOf(tick, 'TimeoutStartSec')).toBe('25501');
    expect(settingOf(tick, 'TimeoutStopSec')).toBe('241');
  });
});

test.each([
  [1_000, '*-*-* *:*:*'],
  [30_000, '*-*-* *:*:0/30'],
  [45_000, '*-*-* *:*:0/30'],
  [60_000, 'minutely'],
  [119_000, 'minutely'],
  [300_000, '*-*-* *:0/5:00'],
  [7 * 60_000, '*-*-* *:0/6:00'],
  [3_600_000, 'hourly'],
  [86_400_000, 'hourly'],
])('an interval of %i ms is met by %s', (interval, calendar) => {
  expect(calendarFor(interval)).toBe(calendar);
});

describe('the daemon', () => {
  const text = unit(generateUnits(daemon()), 'kloros.service');

  test('says when it is ready and that it lives, and is started again for ever', () => {
    expect(settingOf(text, 'Type')).toBe('notify');
    expect(Number(settingOf(text, 'WatchdogSec'))).toBeGreaterThan(60);
    expect(settingOf(text, 'Restart')).toBe('on-failure');
    expect(settingOf(text, 'StartLimitIntervalSec')).toBe('0');
  });

  test('listens where it was told to', () => {
    expect(settingOf(text, 'ExecStart')).toMatch(/ run --listen 127\.0\.0\.1:9464$/);
    const silent = generateUnits(daemon({ chosen: { mode: 'daemon', writable: [], listen: null } }));
    expect(settingOf(unit(silent, 'kloros.service'), 'ExecStart')).toMatch(/ run$/);
  });
});

describe('what stands in a unit means itself', () => {
  test('in a command', () => {
    const words = ['/opt/my node/bin', '100%', '$HOME', 'a"b', 'c\\d'];
    expect(commandLine(words)).toBe('"/opt/my node/bin" 100%% "$$HOME" "a\\"b" "c\\\\d"');
  });

  test('in a folder', () => {
    expect(folderList(['/srv/a b', '/srv/100%'], '-')).toBe('"-/srv/a b" -/srv/100%%');
  });
});

test('an edit of any byte shows, and what was chosen can be read as long as nobody edited it', () => {
  for (const { name, text } of [...generateUnits(settings()), ...generateUnits(daemon())]) {
    expect(authorship(text), name).toBe('own');
    expect(authorship(`${text}\n`), name).toBe('edited');
    expect(authorship(text.replace('[Unit]', '[unit]')), name).toBe('edited');
    expect(authorship(text.slice(text.indexOf('\n') + 1)), name).toBe('foreign');
  }
  const [service] = generateUnits(daemon());
  expect(chosenIn(service?.text ?? '')).toEqual(daemon().chosen);
  expect(chosenIn(service?.text.replace('127.0.0.1', '0.0.0.0') ?? '')).toBeNull();
});

test('a unit of the machine names its user, one of a user is sandboxed in a namespace of users', () => {
  const system = unit(generateUnits(settings()), 'kloros-tick.service');
  expect([settingOf(system, 'User'), settingOf(system, 'PrivateUsers')]).toEqual(['kloros', null]);
  const own = unit(generateUnits(settings({ scope: 'user', owner: null })), 'kloros-tick.service');
  expect([settingOf(own, 'User'), settingOf(own, 'PrivateUsers')]).toEqual([null, 'yes']);
});
