/** What zod found, in the words of the configuration. */
import type { z } from 'zod';
import { configJsonSchema } from './json-schema.ts';
import { didYouMean } from './nearest.ts';
import { showValue } from './parameters.ts';
import type { ConfigPath, ConfigProblem } from './problem.ts';
import { knownKeys, type SchemaNode } from './schema-tree.ts';

type Issue = z.core.$ZodIssue;

const KINDS: Record<string, string> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a string',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
};

/** Messages of the schema's own are phrases for what was expected; zod's begin with these words. */
const ZODS_OWN = /^(Invalid|Too|Unrecognized) /;

function valueAt(value: unknown, path: ConfigPath): unknown {
  let at = value;
  for (const key of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

function expectedOf(issue: Issue): string {
  if (!ZODS_OWN.test(issue.message)) return issue.message;
  if (issue.code === 'invalid_type') return KINDS[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return choicesOf(issue.values);
  if (issue.code === 'invalid_union') {
    const { options } = issue as { options?: readonly unknown[] };
    if (options !== undefined) return choicesOf(options);
    return [...new Set(issue.errors.flatMap((branch) => branch.map(expectedOf)))].join(' or ');
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') return boundOf(issue);
  return issue.message;
}

function choicesOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
}

function boundOf(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const small = issue.code === 'too_small';
  const bound = small ? issue.minimum : issue.maximum;
  if (issue.origin === 'array') return `a list of at least ${bound} ${bound === 1 ? 'entry' : 'entries'}`;
  if (issue.origin === 'string') return 'some text';
  if (issue.inclusive) return `a number of ${small ? 'at least' : 'at most'} ${bound}`;
  return `a number ${small ? 'above' : 'below'} ${bound}`;
}

function hintFor(issue: Issue, expected: string, value: unknown): string {
  if (value === null && expected === KINDS.object) return ' (write {} for a mapping without entries)';
  const { values, options } = issue as { values?: readonly unknown[]; options?: readonly unknown[] };
  const choices = values ?? options;
  return typeof value === 'string' && choices ? didYouMean(value, choices.map(String)) : '';
}

function unknownKeys(
  keys: readonly string[],
  path: ConfigPath,
  value: unknown,
  schema: SchemaNode,
): ConfigProblem[] {
  const known = knownKeys(schema, value, path);
  return keys.map((key) => {
    const hint = didYouMean(key, known) || ` (known here: ${known.join(', ')})`;
    return { path: [...path, key], at: 'key' as const, message: `unknown key ${showValue(key)}${hint}` };
  });
}

function translate(issue: Issue, value: unknown, schema: SchemaNode): ConfigProblem[] {
  const path = issue.path as ConfigPath;
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue.keys, path, value, schema);
  if (issue.code === 'custom') return [{ path, at: 'key', message: issue.message }];
  if (issue.code === 'invalid_key') {
    const expected = issue.issues.map(expectedOf).join(', ');
    return [{ path, at: 'key', message: `expected ${expected}, got ${showValue(path.at(-1))}` }];
  }
  const found = valueAt(value, path);
  const expected = expectedOf(issue);
  if (found === undefined)
    return [{ path, at: 'key', message: `"${path.at(-1)}" is missing: expected ${expected}` }];
  const [at, got] = found === null ? (['key', 'nothing'] as const) : (['value', showValue(found)] as const);
  return [{ path, at, message: `expected ${expected}, got ${got}${hintFor(issue, expected, found)}` }];
}

/** Each issue of the schema with `value`, as problems in words, with the nearest known name where there is one. */
export function shapeProblems(issues: readonly Issue[], value: unknown): ConfigProblem[] {
  const schema = configJsonSchema() as SchemaNode;
  return issues.flatMap((issue) => translate(issue, value, schema));
}
