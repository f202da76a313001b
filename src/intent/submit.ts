import { join } from 'node:path';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { parseStrictJson } from '../files/strict-json.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import { sha256Hex } from '../store/json.ts';
import { readIntent } from './document.ts';
import type { IntentType } from './types.ts';

export interface IntentRequest {
  readonly type: IntentType;
  /** 0 (lowest) to 10; default 5. */
  readonly priority?: number | undefined;
  /** Why, in words. */
  readonly reason: string;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly emittedBy: string;
}

/**
 * Puts an intent into intents/, checked by the rules of the scan; the next tick takes it in. Returns its file's name.
 * @throws KLR_E_INTENT_INVALID
 * @example submitIntent(ctx, { type: 'trigger_dream', reason: 'new hardware', emittedBy: 'ana' })
 */
export function submitIntent(
  ctx: Pick<Context, 'clock' | 'config' | 'fs' | 'paths'>,
  request: IntentRequest,
): string {
  const now = ctx.clock.now();
  const fields = {
    intent_type: request.type,
    priority: request.priority ?? 5,
    reason: request.reason,
    data: request.data ?? {},
    generated_at: now / 1000,
    emitted_by: request.emittedBy,
  };
  const sha256 = sha256Hex(JSON.stringify(fields, null, 2));
  const text = JSON.stringify({ ...fields, sha256 }, null, 2);
  const parsed = parseStrictJson(text);
  const read = parsed.ok ? readIntent(ctx.config, parsed.value, text) : parsed;
  if (!read.ok) throw new KlorosError('KLR_E_INTENT_INVALID', read.reason, { where: request.type });
  const file = `${now}_${request.type}_${sha256.slice(0, 8)}.json`;
  writeAtomic(ctx.fs, join(ctx.paths.intents, file), text);
  return file;
}
