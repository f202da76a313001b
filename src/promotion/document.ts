import { isSafeId } from '../files/safe-id.ts';

/** What a promotion file says, of any of its formats; nothing is checked against the configuration yet. */
export interface PromotionDocument {
  readonly schema: 'v0' | 'v1' | 'v2';
  readonly id: string;
  readonly experiment: string | null;
  readonly changes: Readonly<Record<string, unknown>>;
  /** The version that it says it was made against. */
  readonly baselineVersion: number | null;
  /** When it says that it is no longer good, ms since the epoch. */
  readonly goodUntil: number | null;
}

export type DocumentResult =
  | { readonly ok: true; readonly document: PromotionDocument }
  /** `id` when at least that could be read. */
  | { readonly ok: false; readonly id: string | null; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const isFiniteNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** What is wrong with the fields that v1 and v2 share, or null. */
function sharedProblem(fields: Fields): string | null {
  const { timestamp, fitness, changes, experiment } = fields;
  for (const name of ['timestamp', 'fitness', 'changes'])
    if (fields[name] === undefined) return `the field ${name} is missing`;
  if (!isFiniteNumber(timestamp) && typeof timestamp !== 'string')
    return 'timestamp is neither a number nor a text';
  if (!isFiniteNumber(fitness)) return 'fitness is not a finite number';
  if (fitness < 0) return 'fitness is negative';
  if (!isObject(changes)) return 'changes is not an object of parameter names and values';
  if (experiment !== undefined && typeof experiment !== 'string') return 'experiment is not a text';
  return null;
}

function v1Problem(fields: Fields): string | null {
  const changes = Object.entries(fields.changes as Fields);
  const odd = changes.find(([, value]) => typeof value !== 'number');
  return odd === undefined
    ? null
    : `${odd[0]}: schema v1 takes numbers only, not ${typeof odd[1]}; use schema v2`;
}

function v2Problem(fields: Fields): string | null {
  const { baseline_version: version } = fields;
  if (version === undefined || version === null) return null;
  return Number.isSafeInteger(version) && Number(version) >= 0
    ? null
    : 'baseline_version is not the number of a version';
}

function fromSchema(fields: Fields, schema: 'v1' | 'v2'): DocumentResult {
  const id = isSafeId(fields.id) ? fields.id : null;
  if (id === null) return { ok: false, id, reason: 'its id is missing, or is no safe id' };
  const reason = sharedProblem(fields) ?? (schema === 'v1' ? v1Problem(fields) : v2Problem(fields));
  if (reason !== null) return { ok: false, id, reason };
  return {
    ok: true,
    document: {
      schema,
      id,
      experiment: (fields.experiment as string | undefined) ?? null,
      changes: fields.changes as Fields,
      baselineVersion: schema === 'v2' ? ((fields.baseline_version as number | undefined) ?? null) : null,
      goodUntil: null,
    },
  };
}

/** The format of the first system's producers: no schema, the parameters under `winner`. */
function fromV0(fields: Fields): DocumentResult {
  const { promotion_id: named, experiment, winner, ttl_seconds: ttl } = fields;
  const id = isSafeId(named) ? named : null;
  const bad = (reason: string): DocumentResult => ({ ok: false, id, reason });
  if (id === null) return bad('its promotion_id is missing, or is no safe id');
  if (typeof experiment !== 'string') return bad('the field experiment is missing');
  if (!isObject(winner)) return bad('winner is not an object');
  if (!isFiniteNumber(winner.fitness)) return bad('winner.fitness is not a finite number');
  if (!isObject(winner.params)) return bad('winner.params is not an object');
  if (ttl !== undefined && (!isFiniteNumber(ttl) || ttl < 0))
    return bad('ttl_seconds is not a number of seconds');
  const made = Number(/:(\d{1,12})$/.exec(id)?.[1] ?? Number.NaN) * 1000;
  const goodUntil = ttl === undefined || Number.isNaN(made) ? null : made + Number(ttl) * 1000;
  return {
    ok: true,
    document: { schema: 'v0', id, experiment, changes: winner.params, baselineVersion: null, goodUntil },
  };
}

/** Reads the fields of a promotion of schema v1 or v2, or of the first system's producers (v0). Pure. */
export function readDocument(value: unknown): DocumentResult {
  if (!isObject(value)) return { ok: false, id: null, reason: 'it is not a JSON object' };
  const { schema } = value;
  if (schema === 'v1' || schema === 'v2') return fromSchema(value, schema);
  if (schema === undefined && value.winner !== undefined) return fromV0(value);
  const id = isSafeId(value.id) ? value.id : null;
  const what = schema === undefined ? 'the schema is missing' : 'its schema is unsupported';
  return { ok: false, id, reason: `${what}: v1 and v2 are read` };
}
