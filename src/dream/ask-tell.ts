import { z } from 'zod';
import { type Parameter, parameterSchema } from '../config/schema.ts';
import { KlorosError } from '../errors.ts';
import { createSearch } from './create-search.ts';
import type { Observation, Search } from './sampler.ts';
import { compileSpace } from './space.ts';

const value = z.union([z.number(), z.string(), z.boolean()]);
const common = { name: z.string(), when: z.record(z.string(), z.array(value).min(1)).optional() };
const numberEntry = z.object({
  ...common,
  type: z.enum(['float', 'int']),
  low: z.number(),
  high: z.number(),
  log: z.boolean().default(false),
  step: z.number().gt(0).optional(),
});
const choiceEntry = z.object({
  ...common,
  type: z.enum(['cat', 'categorical', 'ordinal']),
  choices: z.array(z.union([z.string(), z.number()])).min(1),
});
const booleanEntry = z.object({ ...common, type: z.enum(['bool', 'boolean']) });

const requestSchema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('init'),
    space: z.array(z.union([numberEntry, choiceEntry, booleanEntry])).min(1),
    directions: z.array(z.enum(['min', 'max', 'minimize', 'maximize'])).min(1),
    budget: z.int(),
    seed: z.int().default(0),
    noise: z.boolean().default(false),
    parallel: z.int().default(1),
    sampler: z.string().default('auto'),
    points: z.array(z.record(z.string(), value)).optional(),
    constraints: z.array(z.string()).default([]),
    forbidden: z.array(z.string()).default([]),
  }),
  z.object({ op: z.literal('ask') }),
  z.object({
    op: z.literal('tell'),
    id: z.int(),
    values: z.array(z.number().nullable()).optional().describe('null stands for NaN and the infinities'),
    failed: z.boolean().optional(),
    violation: z.number().optional(),
  }),
  z.object({ op: z.literal('recommend'), count: z.int().min(1).optional() }),
  z.object({ op: z.literal('state') }),
]);
type Request = z.output<typeof requestSchema>;
type Init = Extract<Request, { op: 'init' }>;
type Tell = Extract<Request, { op: 'tell' }>;

/**
 * A search session for programs in any language: one JSON object a line in, one out. A bad line is answered with
 * `{"error","code"}` and changes nothing. A second `init` starts anew.
 * @example
 * const session = createAskTellSession();
 * session('{"op":"init","space":[{"name":"x","type":"float","low":0,"high":1}],"directions":["min"],"budget":9}');
 * session('{"op":"ask"}'); // {"id":0,"params":{"x":…}}
 */
export function createAskTellSession(): (line: string) => string {
  let search: Search | null = null;
  const answer = (request: Request): object => {
    if (request.op === 'init') {
      search = started(request);
      return { ok: true };
    }
    if (search === null) throw new KlorosError('KLR_E_SEARCH_INVALID', 'no search yet: send init first');
    if (request.op === 'ask') return search.ask();
    if (request.op === 'state') return search.state();
    if (request.op === 'tell') {
      search.tell(request.id, observationOf(request));
      return { ok: true };
    }
    const found = search.recommend(request.count);
    return request.count === undefined ? (found[0] ?? { params: null }) : { recommendations: found };
  };
  return (line) => {
    try {
      return JSON.stringify(answer(parsed(line)));
    } catch (error) {
      if (!(error instanceof KlorosError)) throw error;
      return JSON.stringify({ error: error.message, code: error.code });
    }
  };
}

function parsed(line: string): Request {
  let json: unknown;
  try {
    // Many languages write NaN and the infinities bare, which JSON has no word for.
    json = JSON.parse(line.replaceAll(/(?<=[[,:\s])-?(?:NaN|Infinity)(?=[\],}\s])/g, 'null'));
  } catch (error) {
    throw new KlorosError('KLR_E_SEARCH_INVALID', `not JSON: ${(error as Error).message}`);
  }
  const result = requestSchema.safeParse(json);
  if (result.success) return result.data;
  throw new KlorosError('KLR_E_SEARCH_INVALID', z.prettifyError(result.error).replaceAll('\n', ' '));
}

function started(request: Init): Search {
  const names = request.space.map((entry) => entry.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new KlorosError('KLR_E_SEARCH_INVALID', `the name ${twice} stands twice`);
  const space = compileSpace({
    parameters: Object.fromEntries(request.space.map((entry) => [entry.name, parameterOf(entry)])),
    constraints: request.constraints,
    forbidden: request.forbidden,
  });
  const { budget, seed, noise, parallel, points = [] } = request;
  const directions = request.directions.map((d) => (d.startsWith('min') ? 'minimize' : 'maximize'));
  return createSearch(space, { directions, budget, seed, noise, parallel, points }, request.sampler);
}

/** The parameter of an entry; defaults are the middle, which matters only to constraints and inactive parameters. */
function parameterOf({ name, ...entry }: Init['space'][number]): Parameter {
  const shared = 'when' in entry && entry.when !== undefined ? { when: entry.when } : {};
  const shape =
    'choices' in entry
      ? {
          type: entry.type === 'ordinal' ? 'ordinal' : 'categorical',
          choices: entry.choices,
          default: entry.choices[0],
        }
      : 'low' in entry
        ? { ...entry, default: middle(entry) }
        : { type: 'boolean', default: false };
  const parameter = parameterSchema.safeParse({ ...shape, ...shared });
  if (parameter.success) return parameter.data;
  throw new KlorosError(
    'KLR_E_SEARCH_INVALID',
    `${name}: ${z.prettifyError(parameter.error).replaceAll('\n', ' ')}`,
  );
}

function middle({ type, low, high, log }: Omit<z.output<typeof numberEntry>, 'name'>): number {
  const centre = log && low > 0 ? Math.sqrt(low * high) : low + (high - low) / 2;
  return type === 'int' ? Math.round(centre) : centre;
}

function observationOf({ values, failed, violation }: Tell): Observation {
  if (failed === true) return { failed: true };
  if (values === undefined)
    throw new KlorosError('KLR_E_TELL_INVALID', 'a tell needs values, or "failed":true');
  const numbers = values.map((value) => value ?? Number.NaN);
  return violation === undefined ? { values: numbers } : { values: numbers, violation };
}
