import { request } from '../../src/escrow/queue.ts';
import type { ProposedChange } from '../../src/escrow/rules.ts';
import type { TestContext } from '../support/context.ts';

const params = { cache: 8, ratio: 0.5, mode: 'slow', compress: false };

export function proposed(overrides: Partial<ProposedChange> = {}): ProposedChange {
  return {
    promotionId: 'demo:1',
    experiment: 'demo',
    from: params,
    to: { ...params, cache: 64 },
    gain: 0.1,
    source: 'dream',
    ...overrides,
  };
}

/** Asks for a decision on a change of baseline v3; the id of the entry. */
export function ask(ctx: TestContext, change: ProposedChange = proposed(), baseVersion = 3): Promise<string> {
  const promotion = { id: change.promotionId };
  const asked = {
    promotion,
    requester: 'kloros',
    change,
    baseVersion,
    reasons: ['a rule'],
    evidence: { epochId: 'e' },
  };
  return ctx.db.transaction((tx) => request(tx, ctx, asked));
}
