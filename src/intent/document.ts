import { didYouMean } from '../config/nearest.ts';
import { showValue } from '../config/parameters.ts';
import type { Config } from '../config/schema.ts';
import { canonicalJson, sha256Hex } from '../store/json.ts';
import type { IntentType } from './types.ts';

/** A request as its file says it. */
export interface IntentDocument {
  readonly type: IntentType;
  /** 0 (lowest) to 10. */
  readonly priority: number;
  readonly reason: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Milliseconds since the Unix epoch; null when it does not say. */
  readonly generatedAt: number | null;
  readonly emittedBy: string;
  /** Equal for requests that ask for the same. */
  readonly dedupKey: string;
}

export type IntentResult =
  | { readonly ok: true; readonly intent: IntentDocument }
  | { readonly ok: false; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

/** Names of intents: ours, and one of the first system's. */
const TYPES: Readonly<Record<string, IntentType>> = {
  trigger_dream: 'trigger_dream',
  trigger_phase: 'trigger_phase',
  trigger_phase_promotion_cluster: 'trigger_phase',
  rollback: 'rollback',
  reflect: 'reflect',
};
/** What `data` can ask for; anything else in it is evidence, kept for the record. */
const ASKS: Readonly<Record<IntentType, readonly string[]>> = {
  trigger_dream: ['experiment', 'trials', 'seed'],
  trigger_phase: [],
  rollback: ['to'],
  reflect: [],
};
const PRIORITY = 5;
const TEXT = 1000;
/** Seconds since the epoch are below this until the year 5138, milliseconds above it since 1973. */
const MILLISECONDS = 1e11;

const isObject = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const isWhole = (value: unknown, low: number, high: number) =>
  Number.isSafeInteger(value) && Number(value) >= low && Number(value) <= high;

/** The file's text without its last member, the checksum, as the first system hashed it. */
function withoutChecksum(text: string): string {
  return text.replace(/,\s*"sha256"\s*:\s*"[0-9a-fA-F]{64}"\s*\}\s*$/, '\n}');
}

function checksumProblem(fields: Fields, text: string): string | null {
  const { sha256, ...rest } = fields;
  if (sha256 === undefined) return null;
  const sums = [sha256Hex(withoutChecksum(text)), sha256Hex(canonicalJson(rest))];
  return typeof sha256 === 'string' && sums.includes(sha256.toLowerCase())
    ? null
    : 'its sha256 does not match its content';
}

function dataProblem(config: Config, type: IntentType, data: Fields): string | null {
  const { experiment, trials, seed, to } = data;
  const known = Object.keys(config.experiments);
  if (type === 'trigger_dream') {
    if (experiment !== undefined && !known.includes(experiment as string))
      return `there is no experiment ${showValue(experiment)}; there are: ${known.join(', ')}`;
    if (trials !== undefined && !isWhole(trials, 1, 1_000_000))
      return `trials is no whole number from 1: ${showValue(trials)}`;
    if (seed !== undefined && !isWhole(seed, 0, 2 ** 32 - 1))
      return `seed is no whole number of 32 bits: ${showValue(seed)}`;
  }
  if (type === 'rollback' && to !== undefined && !isWhole(to, 0, Number.MAX_SAFE_INTEGER))
    return `to is no version: ${showValue(to)}`;
  for (const key of Object.keys(data)) {
    const meant = ASKS[type].includes(key) ? '' : didYouMean(key, ASKS[type]);
    if (meant !== '') return `data has ${showValue(key)}${meant}`;
  }
  return null;
}

/** When it was generated; null when it does not say, undefined when what it says is no time. */
function timeOf(value: unknown): number | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0)
    return Math.round(value < MILLISECONDS ? value * 1000 : value);
  const parsed = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** The key of what it asks for: evidence and words do not make another request. */
function dedupKeyOf(type: IntentType, data: Fields): string {
  return sha256Hex(canonicalJson([type, ASKS[type].map((key) => data[key] ?? null)]));
}

/**
 * Reads an intent: `{intent_type, priority, reason, data, generated_at, emitted_by, sha256}` as the first system wrote
 * it (`type` serves as well); all but the type may be absent. Pure.
 * @param text of the file, for its checksum
 */
export function readIntent(config: Config, value: unknown, text: string): IntentResult {
  const bad = (reason: string): IntentResult => ({ ok: false, reason });
  if (!isObject(value)) return bad('it is not a JSON object');
  const named = value.intent_type ?? value.type;
  const type = typeof named === 'string' && Object.hasOwn(TYPES, named) ? TYPES[named] : undefined;
  if (type === undefined)
    return bad(`its type ${showValue(named)} is none of ${Object.keys(TYPES).join(', ')}`);
  const { priority = PRIORITY, reason = '', data = {}, emitted_by: emittedBy = 'unknown' } = value;
  if (!isWhole(priority, 0, 10))
    return bad(`priority is no whole number from 0 to 10: ${showValue(priority)}`);
  if (typeof reason !== 'string') return bad('reason is not a text');
  if (typeof emittedBy !== 'string') return bad('emitted_by is not a text');
  if (!isObject(data)) return bad('data is not an object');
  const generatedAt = timeOf(value.generated_at);
  if (generatedAt === undefined) return bad(`generated_at is no time: ${showValue(value.generated_at)}`);
  const problem = dataProblem(config, type, data) ?? checksumProblem(value, text);
  if (problem !== null) return bad(problem);
  return {
    ok: true,
    intent: {
      type,
      priority: Number(priority),
      reason: reason.slice(0, TEXT),
      data,
      generatedAt,
      emittedBy: emittedBy.slice(0, 128),
      dedupKey: dedupKeyOf(type, data),
    },
  };
}
