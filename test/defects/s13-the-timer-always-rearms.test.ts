/**
 * S13: the first system's timer counted from the last activation of a oneshot, so that it could stop for ever while
 * `active`; its service killed each tick after 120 s although an epoch was allowed an hour, and gave 512 MB to all.
 */
import { expect, test } from 'vitest';
import { longestTickMs } from '../../src/service/limits.ts';
import { generateUnits } from '../../src/service/units.ts';
import { settingOf, settings } from '../service/settings.ts';
import { experimentConfig, parseConfig } from '../support/context.ts';

const text = (name: string) => generateUnits(settings()).find((unit) => unit.name === name)?.text ?? '';

test('the timer counts by the calendar alone, and makes up for what it missed while it was off', () => {
  const timer = text('kloros-tick.timer');
  expect(settingOf(timer, 'OnCalendar')).toBe('minutely');
  expect(settingOf(timer, 'Persistent')).toBe('true');
  expect(settingOf(timer, 'AccuracySec')).toBe('1s');
  expect(timer).not.toMatch(/^On(Unit|Boot|Startup|Active)\w*Sec=/m);
  expect(settingOf(timer, 'WantedBy')).toBe('timers.target');
});

test('the service is a oneshot that does not stay active, so that the calendar starts it again', () => {
  const service = text('kloros-tick.service');
  expect(settingOf(service, 'Type')).toBe('oneshot');
  expect(service).not.toContain('RemainAfterExit');
});

test.each([
  { epoch: '1h', cycle: '30m' },
  { epoch: '4h', cycle: '30m' },
  { epoch: '10m', cycle: '9h' },
])('no limit ends a tick before its epoch of $epoch or cycle of $cycle', ({ epoch, cycle }) => {
  const config = parseConfig({
    experiments: { demo: experimentConfig({ budget: { duration: cycle } }) },
    phase: { max_duration: epoch },
  });
  const longestTick = longestTickMs(config);
  const [service] = generateUnits(settings({ longestTickMs: longestTick }));
  const limit = Number(settingOf(service?.text ?? '', 'TimeoutStartSec')) * 1000;
  expect(limit).toBeGreaterThan(config.phase.max_duration);
  expect(limit).toBeGreaterThan(config.experiments.demo?.budget.duration ?? Number.NaN);
  expect(service?.text).not.toMatch(/^(TimeoutSec|RuntimeMaxSec|MemoryMax|CPUQuota)=/m);
});

test('a tick that fails starts what says why', () => {
  expect(settingOf(text('kloros-tick.service'), 'OnFailure')).toBe('kloros-failure@%N.service');
  expect(settingOf(text('kloros-failure@.service'), 'ExecStart')).toMatch(/ doctor$/);
});
