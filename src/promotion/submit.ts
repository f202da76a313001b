import { join } from 'node:path';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { readDropped } from '../files/read-safe.ts';
import { parseStrictJson } from '../files/strict-json.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import { sha256Hex } from '../store/json.ts';
import type { BaselineInForce } from './check.ts';
import { judge } from './receive.ts';

export interface Submitted {
  readonly id: string;
  /** Name in promotions/. */
  readonly file: string;
  readonly experiment: string;
}

/** The document in a file named on the command line. @throws KLR_E_PROMOTION_INVALID */
export function readPromotionFile(ctx: Pick<Context, 'fs'>, path: string): unknown {
  const invalid = (reason: string) =>
    new KlorosError('KLR_E_PROMOTION_INVALID', `${path}: ${reason}`, { where: path });
  const read = readDropped(ctx.fs, path);
  if (!read.ok) throw invalid(read.reason);
  const parsed = parseStrictJson(read.text);
  if (!parsed.ok) throw invalid(parsed.reason);
  return parsed.value;
}

/**
 * Puts a promotion into promotions/, checked by the rules of the scan; the next tick receives it.
 * @param document as parsed by `parseStrictJson` (or `readPromotionFile`)
 * @throws KLR_E_PROMOTION_INVALID with everything that is wrong; KLR_E_PROMOTION_DUPLICATE for an id or file name that
 * was used before
 */
export async function submitPromotion(
  ctx: Context,
  baseline: BaselineInForce,
  document: unknown,
): Promise<Submitted> {
  const content = `${JSON.stringify(document, null, 2)}\n`;
  // Read as the scan will: what JSON cannot carry (NaN, undefined) is refused here.
  const parsed = parseStrictJson(content);
  const dropped = parsed.ok
    ? ({ state: 'read', value: parsed.value, text: content, sha256: sha256Hex(content) } as const)
    : ({ state: 'bad', problem: 'syntax', reason: parsed.reason, text: content, sha256: null } as const);
  const { row, reason } = judge(ctx.config, baseline, { file: 'submitted.json', dropped }, ctx.clock.now());
  if (reason !== null) throw new KlorosError('KLR_E_PROMOTION_INVALID', reason, { where: row.id });
  const file = `${row.id.replaceAll(':', '_')}.json`;
  const path = join(ctx.paths.promotions, file);
  const known = await ctx.db.get('SELECT id FROM promotions WHERE id = ? OR file = ?', row.id, file);
  if (known !== undefined || ctx.fs.existsSync(path))
    throw new KlorosError('KLR_E_PROMOTION_DUPLICATE', `there is a promotion ${row.id} already`, {
      where: file,
    });
  writeAtomic(ctx.fs, path, content);
  return { id: row.id, file, experiment: row.experiment ?? '' };
}
