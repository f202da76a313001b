import type { Action, Decision, Settlement, Snapshot } from './types.ts';

/** A rule looks at the snapshot and takes it, or leaves it to the next. */
type Rule = (s: Snapshot) => { action: Action; reason: string } | null;

const none = (outcome: 'DISABLED' | 'KILLED' | 'LOCKED' | 'NOOP', reason: string) => ({
  action: { kind: 'none', outcome } as const,
  reason,
});

const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

/** What of rule 7 can be done now: closing is always possible, a commit waits for the watch of the last one. */
export function settlement(s: Snapshot): Settlement {
  const close = [
    ...s.verdicts.filter((v) => v.verdict !== 'accept').map((v) => v.promotionId),
    ...s.decisions.filter((d) => !d.approved).map((d) => d.promotionId),
  ];
  const ready = [
    ...s.decisions.filter((d) => d.approved).map((d) => d.promotionId),
    ...s.verdicts
      .filter((v) => v.verdict === 'accept')
      .toSorted((a, b) => b.gain - a.gain)
      .map((v) => v.promotionId),
  ].filter((id) => (s.commitPauses[id] ?? 0) <= s.now);
  return { close, commit: s.watch ? null : (ready[0] ?? null) };
}

/** The experiment of the cycle that rule 8 would run, and how many wait for it; null when none may start now. */
function dreamDue(s: Snapshot): { experiment: string; promotions: number } | null {
  const first = s.received.find((p) => (s.dreamPauses[p.experiment] ?? 0) <= s.now);
  if (!first) return null;
  const promotions = s.received.filter((p) => p.experiment === first.experiment).length;
  return { experiment: first.experiment, promotions };
}

const windowIsNear = (s: Snapshot) =>
  s.phase.nextWindowAt !== null && s.phase.nextWindowAt - s.now < s.limits.shortestCycleMs;

/** The table of section 2 of the design, top to bottom; the last rule always takes it. */
const RULES: readonly Rule[] = [
  (s) => (s.mode === 'disabled' ? none('DISABLED', 'the mode is disabled') : null),
  (s) => (s.kill.set ? none('KILLED', `the kill switch is set: ${s.kill.reason}`) : null),
  (s) => (s.lock.held ? none('LOCKED', `the orchestrator lock is held by ${s.lock.holder}`) : null),
  (s) =>
    s.unfinished.length > 0
      ? {
          action: { kind: 'recover', unfinished: s.unfinished.map((a) => a.id) },
          reason: `did not finish: ${s.unfinished.map((a) => `${a.kind} ${a.id}`).join(', ')}`,
        }
      : null,
  (s) =>
    s.watch && s.watch.nextCheckAt <= s.now
      ? {
          action: { kind: 'watch', version: s.watch.version },
          reason: `a check of baseline v${s.watch.version} is due`,
        }
      : null,
  (s) =>
    s.phase.due
      ? {
          action: {
            kind: 'phase',
            forced: s.phase.resume?.forced ?? false,
            resume: s.phase.resume?.id ?? null,
          },
          reason: s.phase.reason,
        }
      : null,
  (s) => {
    const settle = settlement(s);
    if (settle.close.length === 0 && settle.commit === null) return null;
    const parts = [
      ...(settle.commit === null ? [] : [`${settle.commit} is to be carried out`]),
      ...(settle.close.length === 0 ? [] : [`${plural(settle.close.length, 'verdict')} to be recorded`]),
    ];
    return { action: { kind: 'carry-out', settle }, reason: parts.join('; ') };
  },
  (s) => {
    if (s.pausedCycle && (s.dreamPauses[s.pausedCycle.experiment] ?? 0) <= s.now && !windowIsNear(s)) {
      const { id, experiment } = s.pausedCycle;
      return {
        action: { kind: 'dream', experiment, resume: id },
        reason: `cycle ${id} was paused`,
      };
    }
    const due = windowIsNear(s) ? null : dreamDue(s);
    // A paused cycle that has to wait keeps no other experiment waiting.
    if (due)
      return {
        action: { kind: 'dream', experiment: due.experiment, resume: null },
        reason: `${plural(due.promotions, 'promotion')} for ${due.experiment} neither acknowledged nor screened`,
      };
    if (s.rejectedAtScan > 0)
      return {
        action: { kind: 'rejected', count: s.rejectedAtScan },
        reason: `${plural(s.rejectedAtScan, 'promotion')} rejected as read`,
      };
    return null;
  },
  (s) =>
    s.intents.length > 0
      ? {
          action: { kind: 'intents', ids: s.intents.slice(0, s.limits.intentsPerTick) },
          reason: `${plural(s.intents.length, 'intent')} waiting`,
        }
      : null,
  (s) =>
    s.now - s.idleSince >= s.limits.idleMs && s.now - s.reflectedAt >= s.limits.reflectEveryMs
      ? { action: { kind: 'reflect' }, reason: 'idle, and reflection is due' }
      : null,
  (s) =>
    none(
      'NOOP',
      s.watch ? `nothing is due; baseline v${s.watch.version} is being watched` : 'nothing is due',
    ),
];

/** What has to happen before the rules below are looked at again; null when they may act. */
function gated(s: Snapshot): string | null {
  if (s.mode === 'disabled') return 'nothing, until `kloros enable`';
  if (s.kill.set) return 'nothing, until `kloros revive`';
  return s.lock.held ? 'another try when the lock is free' : null;
}

/** The earliest thing that is known to come, in words. */
function nextDue(s: Snapshot): { at: number | null; what: string } {
  const gate = gated(s);
  if (gate !== null) return { at: null, what: gate };
  const candidates: { at: number; what: string }[] = [];
  const add = (at: number | null | undefined, what: string) => {
    // What is over is not to come: a pause stays on record until the next success.
    if (at !== null && at !== undefined && at > s.now) candidates.push({ at, what });
  };
  add(s.watch?.nextCheckAt, `check baseline v${s.watch?.version}`);
  add(
    s.phase.nextWindowAt,
    s.phase.screened > 0
      ? `validate ${plural(s.phase.screened, 'promotion')} in the PHASE window`
      : 'the PHASE window opens',
  );
  for (const [experiment, at] of Object.entries(s.dreamPauses))
    add(at, `try the search in ${experiment} again`);
  for (const [id, at] of Object.entries(s.commitPauses)) add(at, `try to carry out ${id} again`);
  add(s.intentsNextAt, 'an intent is tried again');
  add(
    Math.max(s.idleSince + s.limits.idleMs, s.reflectedAt + s.limits.reflectEveryMs),
    'idle reflection, if nothing else happens',
  );
  return candidates.toSorted((a, b) => a.at - b.at)[0] ?? { at: null, what: 'nothing is planned' };
}

/**
 * What this tick does: the first rule that takes the snapshot. Pure: it reads no clock, draws nothing, touches nothing.
 */
export function decide(snapshot: Snapshot): Decision {
  for (const [index, rule] of RULES.entries()) {
    const taken = rule(snapshot);
    if (taken) return { rule: index + 1, ...taken, next: nextDue(snapshot) };
  }
  return { rule: RULES.length, ...none('NOOP', 'nothing is due'), next: nextDue(snapshot) };
}
