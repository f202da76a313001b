/** S12: the first system's tick ended with 2 when it was disabled, and systemd showed a failed unit each minute. */
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { setKill } from '../../src/home/killswitch.ts';
import { writeMode } from '../../src/home/mode.ts';
import { closeContext } from '../../src/home/open.ts';
import { generateUnits } from '../../src/service/units.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import { daemon, settingOf, settings } from '../service/settings.ts';
import { loopHome } from '../support/loop.ts';

const ticking = [...generateUnits(settings()), ...generateUnits(daemon())].filter(({ text }) =>
  /ExecStart=.* (tick|run)\b/.test(text),
);

test('there is a unit of each mode that ticks', () => {
  expect(ticking.map(({ name }) => name)).toEqual(['kloros-tick.service', 'kloros.service']);
});

test.each(ticking)('$name ends well when it is disabled, killed or locked', ({ text }) => {
  const good = settingOf(text, 'SuccessExitStatus')?.split(' ').map(Number);
  expect(good).toEqual([EXIT.disabled, EXIT.killed, EXIT.locked]);
});

describe('nobody has to edit a unit to stop the loop', () => {
  test('a mode and a kill switch end a tick with their own codes', async () => {
    const home = await loopHome();
    const ctx = await home.open();
    try {
      await setKill(ctx, 'melting', 'test');
      expect((await runTick(ctx)).exit).toBe(EXIT.killed);
      await writeMode(ctx, 'disabled', 'test');
      expect((await runTick(ctx)).exit).toBe(EXIT.disabled);
    } finally {
      await closeContext(ctx);
      home.remove();
    }
  });

  test('no unit sets the mode', () => {
    for (const { text } of ticking) expect(text).not.toContain('KLR_ORCHESTRATION_MODE');
  });
});
