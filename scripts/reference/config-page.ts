import { configJsonSchema } from '../../src/config/json-schema.ts';
import { DURATION, SIZE } from '../../src/config/quantity.ts';
import { code, markdownTable, page } from './markdown.ts';

/** The part of JSON Schema that the configuration's schema uses. */
interface Node {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

type Row = readonly [path: string, type: string, given: string, meaning: string];

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

function boundWords(node: Node): string {
  const bounds = [
    ['≥', node.minimum],
    ['>', node.exclusiveMinimum],
    ['≤', node.maximum],
    ['<', node.exclusiveMaximum],
  ] as const;
  return bounds
    .flatMap(([sign, bound]) =>
      bound === undefined || Math.abs(bound) === UNBOUNDED ? [] : [` ${sign} ${bound}`],
    )
    .join('');
}

function typeWords(node: Node): string {
  if (node.const !== undefined) return code(String(node.const));
  if (node.enum) return node.enum.map((value) => code(String(value))).join(', ');
  if (node.anyOf) return [...new Set(node.anyOf.map(typeWords))].join(' or ');
  if (node.pattern === DURATION.pattern.source) return 'duration';
  if (node.pattern === SIZE.pattern.source) return 'size';
  if (node.type === 'array') return node.items ? `list of ${typeWords(node.items)}` : 'list';
  if (node.type === 'object') return 'mapping';
  const types = typeof node.type === 'string' ? [node.type] : (node.type ?? ['anything']);
  return `${types.join(' or ')}${boundWords(node)}`;
}

const isSection = (node: Node) => node.type === 'object' && node.properties !== undefined;

/** The default, or whether there has to be a value. */
function givenWords(node: Node, required: boolean): string {
  if (node.default !== undefined) return code(JSON.stringify(node.default));
  return required ? 'required' : '';
}

function rowsOf(node: Node, path: string, required: boolean): Row[] {
  const entries = node.additionalProperties;
  if (node.oneOf) return alternatives(node.oneOf, path);
  if (isSection(node)) return sectionRows(node, path);
  if (node.items && isSection(node.items)) return sectionRows(node.items, `${path}[]`);
  if (typeof entries === 'object' && (isSection(entries) || entries.oneOf))
    return rowsOf(entries, `${path}.<name>`, required);
  return [[path, typeWords(node), givenWords(node, required), node.description ?? '']];
}

function sectionRows(node: Node, path: string): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, inner]) =>
    rowsOf(inner, path === '' ? key : `${path}.${key}`, node.required?.includes(key) ?? false),
  );
}

/** The keys of several forms of one mapping, each once with the forms that have it. */
function alternatives(forms: readonly Node[], path: string): Row[] {
  const seen = new Map<string, Row[]>();
  for (const form of forms)
    for (const row of sectionRows(form, path)) seen.set(row[0], [...(seen.get(row[0]) ?? []), row]);
  return [...seen.values()].map((rows) => {
    const each = (column: 1 | 2 | 3) =>
      [...new Set(rows.map((row) => row[column]).filter(Boolean))].join(' or ');
    return [rows[0]?.[0] ?? path, each(1), each(2), each(3)];
  });
}

/** docs/reference/config.md, from the schema of the configuration. */
export function configPage(): string {
  const schema = configJsonSchema() as Node;
  const sections = Object.entries(schema.properties ?? {}).map(([key, node]) => {
    const rows = rowsOf(node, key, schema.required?.includes(key) ?? false);
    const cells = rows.map(([path, ...rest]) => [code(path), ...rest]);
    return page([`## ${key}`, markdownTable(['Key', 'Type', 'Default', 'Meaning'], cells)]).trimEnd();
  });
  return page([
    '# kloros.yaml',
    '`kloros init` writes a commented one; `kloros config check` shows every mistake with its line, and `kloros config show --origin` where each value in force comes from. An unknown key is an error. `kloros config schema` prints the JSON Schema that this page is made of.',
    `A duration is ${DURATION.what.replace('a duration such as ', 'written as ')}; a size is ${SIZE.what.replace('a size such as ', 'written as ')}.`,
    ...sections,
  ]);
}
