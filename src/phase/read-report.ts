import type { Context } from '../context.ts';
import type { PhaseReport } from './report-schema.ts';
import { verifySignal } from './signal.ts';

/**
 * The report of an epoch, when it is the one that was signalled and fits its schema.
 * @throws KLR_E_SIGNAL_INVALID, KLR_E_REPORT_CHANGED
 */
export async function readReport(
  ctx: Pick<Context, 'fs' | 'paths' | 'db'>,
  id: string,
): Promise<PhaseReport> {
  const { text } = await verifySignal(ctx, id);
  const { reportSchema } = await import('./report-schema.ts');
  return reportSchema.parse(JSON.parse(text));
}
