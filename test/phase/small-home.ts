import { afterEach } from 'vitest';
import type { EpochResult } from '../../src/phase/types.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { smallConfig } from './formula.ts';

const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

export async function small(config = smallConfig(), now = Date.UTC(2026, 5, 15, 12)): Promise<TestContext> {
  const ctx = await testContext({ config, now });
  open.push(ctx);
  // Thousands of small transactions, none of which this test loses power in.
  await ctx.db.run('PRAGMA synchronous = OFF');
  return ctx;
}

export const states = (result: EpochResult) =>
  result.state === 'done'
    ? Object.fromEntries(result.verdicts.map((v) => [v.promotionId, v.verdict]))
    : result;

export async function moveBaseline(ctx: TestContext): Promise<void> {
  await ctx.db.run(
    `INSERT INTO baselines (version, sha256, previous_sha256, manifest_sha256, content, params, kind, actor, token, ts,
     apply_state) VALUES (1, 'a', '', 'b', '', '{}', 'promotion', 'test', 1, 1, 'none')`,
  );
}
