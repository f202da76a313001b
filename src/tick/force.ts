import type { Decision, Force, Snapshot } from './types.ts';

/** Rules that come before what a person asks for. */
const FORCED_RULES = 4;

/** What a person asked for takes the place of rules 5 to 11. Pure. */
export function withForce(snapshot: Snapshot, decision: Decision, force: Force | undefined): Decision {
  if (!force || decision.rule <= FORCED_RULES) return decision;
  const { next } = decision;
  if (force.kind === 'phase') {
    const resume = snapshot.phase.resume?.forced ? snapshot.phase.resume.id : null;
    return {
      rule: 0,
      action: { kind: 'phase', forced: true, resume },
      reason: 'asked for by a person',
      next,
    };
  }
  const { kind: _, ...asked } = force;
  const action = { kind: 'dream', experiment: null, resume: null, ...asked } as const;
  return { rule: 0, action, reason: 'asked for by a person', next };
}
