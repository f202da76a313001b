import { closeContext, openContext } from '../home/open.ts';
import { appendEvent } from '../store/ledger.ts';
import type { ExamineOptions } from './examine.ts';
import type { Finding } from './types.ts';

/**
 * Mends what can be mended without a decision: modes, missing folders, leftovers, files that the database can write
 * again. What was done is recorded in the ledger.
 * @returns the codes of what was mended
 */
export async function mendFindings(
  findings: readonly Finding[],
  options: ExamineOptions & { readonly actor: string },
): Promise<string[]> {
  const fixable = findings.filter((finding) => finding.fix !== undefined);
  if (fixable.length === 0) return [];
  // A home that cannot be opened still has modes to tighten.
  const ctx = await openContext({
    home: options.home,
    configFile: options.configFile,
    env: options.env,
  }).catch(() => null);
  try {
    for (const { fix } of fixable) await fix?.(ctx);
    const mended = fixable.map(({ code }) => code);
    if (ctx)
      await ctx.db.transaction(async (tx) => {
        const data = { mended, actor: options.actor };
        await appendEvent(tx, { ts: ctx.clock.now(), kind: 'doctor.mended', subject: 'home', data });
      });
    return mended;
  } finally {
    if (ctx) await closeContext(ctx);
  }
}
