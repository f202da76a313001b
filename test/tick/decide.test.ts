import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { decide } from '../../src/tick/decide.ts';
import { OUTCOME_EXIT } from '../../src/tick/outcomes.ts';
import type { Snapshot } from '../../src/tick/types.ts';
import { NOW, quiet, TRIGGERS } from './snapshots.ts';

const with_ = (...parts: Partial<Snapshot>[]): Snapshot => Object.assign({}, quiet, ...parts);
const MINUTE = 60_000;
const rules = Object.keys(TRIGGERS).map(Number);

describe('the table of rules', () => {
  test.each(rules)('rule %i takes what it is for', (rule) => {
    const decision = decide(with_(TRIGGERS[rule] ?? {}));
    expect(decision.rule).toBe(rule);
    expect(decision.reason).not.toBe('');
  });

  test.each(rules.slice(0, -1))('rule %i comes before the one below it', (rule) => {
    // Both hold: the upper one is taken, whatever the order in which they were put together.
    const both = [TRIGGERS[rule] ?? {}, TRIGGERS[rule + 1] ?? {}];
    expect(decide(with_(...both)).rule).toBe(rule);
    expect(decide(with_(...both.toReversed())).rule).toBe(rule);
  });

  test('of any set of rules that hold, the topmost is taken', () => {
    fc.assert(
      fc.property(fc.subarray(rules, { minLength: 1 }), (holding) => {
        // A watch that is due does not keep rule 7 from closing what changes nothing, so the parts do not interact.
        const decision = decide(with_(...holding.map((rule) => TRIGGERS[rule] ?? {})));
        expect(decision.rule).toBe(Math.min(...holding));
      }),
    );
  });

  test('it is a function of the snapshot alone', () => {
    fc.assert(
      fc.property(fc.subarray(rules), (holding) => {
        const snapshot = with_(...holding.map((rule) => TRIGGERS[rule] ?? {}));
        const frozen = structuredClone(snapshot);
        expect(decide(snapshot)).toEqual(decide(snapshot));
        expect(snapshot).toEqual(frozen);
      }),
    );
  });
});

describe('gates', () => {
  test('a disabled, killed or locked tick does nothing, with the outcome and exit code of the design', () => {
    const outcome = (rule: number) => decide(with_(TRIGGERS[rule] ?? {})).action;
    expect(outcome(1)).toEqual({ kind: 'none', outcome: 'DISABLED' });
    expect(outcome(2)).toEqual({ kind: 'none', outcome: 'KILLED' });
    expect(outcome(3)).toEqual({ kind: 'none', outcome: 'LOCKED' });
    expect([OUTCOME_EXIT.DISABLED, OUTCOME_EXIT.KILLED, OUTCOME_EXIT.LOCKED]).toEqual([2, 3, 4]);
  });

  test('they say what has to happen before anything else does', () => {
    expect(decide(with_({ mode: 'disabled' })).next.what).toContain('kloros enable');
    expect(decide(with_({ kill: { set: true, reason: 'x' } })).next.what).toContain('kloros revive');
  });
});

describe('commits', () => {
  const accept = (promotionId: string, gain: number) => ({ promotionId, verdict: 'accept', gain });

  test('the accepted promotion with the largest validated gain goes first', () => {
    const { action } = decide(with_({ verdicts: [accept('small', 0.1), accept('large', 0.4)] }));
    expect(action).toMatchObject({ kind: 'carry-out', settle: { commit: 'large' } });
  });

  test('a person’s approval goes before an accepted verdict', () => {
    const { action } = decide(
      with_({ verdicts: [accept('fresh', 0.9)], decisions: [{ promotionId: 'approved', approved: true }] }),
    );
    expect(action).toMatchObject({ kind: 'carry-out', settle: { commit: 'approved' } });
  });

  test('none is made while a baseline is being watched; what changes nothing is closed all the same', () => {
    const watch = { version: 2, nextCheckAt: NOW + MINUTE };
    expect(decide(with_({ watch, verdicts: [accept('a', 0.1)] })).rule).toBe(11);
    const rejected = { promotionId: 'b', verdict: 'reject', gain: 0 };
    expect(decide(with_({ watch, verdicts: [accept('a', 0.1), rejected] })).action).toEqual({
      kind: 'carry-out',
      settle: { close: ['b'], commit: null },
    });
  });

  test('one that failed waits for its pause and does not hold up the others', () => {
    const { action } = decide(
      with_({
        verdicts: [accept('failed', 0.9), accept('other', 0.1)],
        commitPauses: { failed: NOW + MINUTE },
      }),
    );
    expect(action).toMatchObject({ settle: { commit: 'other' } });
  });
});

describe('searches', () => {
  test('an experiment whose cycle failed pauses, and never starves the rules below', () => {
    const paused = { received: [{ id: 'p', experiment: 'demo' }], dreamPauses: { demo: NOW + MINUTE } };
    expect(decide(with_(paused)).rule).toBe(11);
    expect(decide(with_(paused, { intents: ['i'] })).rule).toBe(9);
    expect(decide(with_(paused)).next).toEqual({ at: NOW + MINUTE, what: 'try the search in demo again' });
    const other = { received: [...paused.received, { id: 'q', experiment: 'other' }] };
    expect(decide(with_(paused, other)).action).toMatchObject({ experiment: 'other' });
  });

  test('one cycle measures all promotions of its experiment that wait', () => {
    const received = ['a', 'b', 'c'].map((id) => ({ id, experiment: id === 'b' ? 'other' : 'demo' }));
    expect(decide(with_({ received })).action).toMatchObject({ experiment: 'demo' });
    expect(decide(with_({ received })).reason).toContain('2 promotions for demo');
  });

  test('none starts when the window is near; a paused one goes on before a new one', () => {
    const near = { phase: { ...quiet.phase, nextWindowAt: NOW + MINUTE / 2 } };
    expect(decide(with_(TRIGGERS[8] ?? {}, near)).rule).toBe(11);
    const pausedCycle = { id: 'dream-7', experiment: 'demo' };
    expect(decide(with_(TRIGGERS[8] ?? {}, { pausedCycle })).action).toMatchObject({
      kind: 'dream',
      resume: 'dream-7',
    });
    expect(decide(with_({ pausedCycle }, near)).rule).toBe(11);
  });
});

describe('what comes next', () => {
  test('is the earliest of what is known, never in the past', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -MINUTE * 60, max: MINUTE * 60 }), { minLength: 1, maxLength: 5 }),
        (offsets) => {
          const dreamPauses = Object.fromEntries(offsets.map((o, i) => [`e${i}`, NOW + o]));
          const { next } = decide(with_({ dreamPauses }));
          expect(next.at).not.toBeNull();
          expect(next.at).toBeGreaterThan(NOW);
          const future = offsets.filter((o) => o > 0).map((o) => NOW + o);
          expect(next.at).toBeLessThanOrEqual(
            Math.min(...future, quiet.idleSince + quiet.limits.reflectEveryMs),
          );
        },
      ),
    );
  });

  test('at most ten intents, and as many as the limit says', () => {
    const intents = Array.from({ length: 30 }, (_, i) => `i${i}`);
    expect(decide(with_({ intents })).action).toEqual({ kind: 'intents', ids: intents.slice(0, 10) });
  });
});

test('every outcome has an exit code of the catalogue', () => {
  const codes = new Set<number>(Object.values(EXIT));
  for (const code of Object.values(OUTCOME_EXIT)) expect(codes).toContain(code);
});
