import type { Snapshot } from '../../src/tick/types.ts';

export const NOW = Date.UTC(2026, 5, 15, 12);
const MINUTE = 60_000;

/** A snapshot in which nothing is due. */
export const quiet: Snapshot = {
  now: NOW,
  mode: 'enabled',
  kill: { set: false, reason: '' },
  lock: { held: false, holder: '' },
  unfinished: [],
  watch: null,
  phase: {
    due: false,
    reason: 'outside the PHASE window',
    resume: null,
    nextWindowAt: NOW + 15 * 60 * MINUTE,
    screened: 0,
  },
  verdicts: [],
  decisions: [],
  rejectedAtScan: 0,
  received: [],
  pausedCycle: null,
  dreamPauses: {},
  commitPauses: {},
  intents: [],
  intentsNextAt: null,
  idleSince: NOW - MINUTE,
  reflectedAt: NOW - MINUTE,
  limits: { intentsPerTick: 10, idleMs: 10 * MINUTE, reflectEveryMs: 60 * MINUTE, shortestCycleMs: MINUTE },
};

/** For each rule, by its number, the part of a snapshot that it takes. */
export const TRIGGERS: Readonly<Record<number, Partial<Snapshot>>> = {
  1: { mode: 'disabled' },
  2: { kill: { set: true, reason: 'smoke' } },
  3: { lock: { held: true, holder: 'pid 7' } },
  4: { unfinished: [{ id: 'dream-1', kind: 'dream' }] },
  5: { watch: { version: 3, nextCheckAt: NOW } },
  6: { phase: { ...quiet.phase, due: true, reason: 'in the PHASE window, 1 screened', screened: 1 } },
  7: { verdicts: [{ promotionId: 'a', verdict: 'reject', gain: 0 }] },
  8: { received: [{ id: 'p', experiment: 'demo' }] },
  9: { intents: ['i1'] },
  10: { idleSince: NOW - 11 * MINUTE, reflectedAt: NOW - 61 * MINUTE },
  11: {},
};
