/** kloros.yaml as a tree of values with positions. YAML 1.2, core schema: `no` is a string, and nothing is expanded. */
import { isUtf8 } from 'node:buffer';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLError } from 'yaml';
import type { ConfigPath, ConfigProblem, LocatedProblem } from './problem.ts';

/** A configuration file as parsed. */
export interface ConfigDocument {
  /** Plain objects, arrays, strings, finite numbers, booleans and null. What `problems` names is null. */
  readonly value: unknown;
  /** What YAML allows and a configuration does not: duplicate keys, aliases, tags, infinite numbers. */
  readonly problems: readonly LocatedProblem[];
  /** The YAML could not be read: nothing but `problems` is of use. */
  readonly broken: boolean;
  /** The line of each value that stands in the file, by dotted path. */
  lines(): ReadonlyMap<string, number>;
  locate(problem: ConfigProblem): LocatedProblem;
}

/** Offsets into the text. */
interface Place {
  readonly path: ConfigPath;
  readonly key: number;
  readonly value: number;
}

const DEEPEST = 32;
/** Names that mean something else to JavaScript. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

const joined = (path: ConfigPath) => path.join('\0');

function offsetOf(node: unknown, otherwise: number): number {
  return (node as { range?: readonly number[] | null } | null)?.range?.[0] ?? otherwise;
}

/** Turns nodes into plain values, and notes places and mistakes on the way. */
class Reader {
  readonly places = new Map<string, Place>();
  readonly problems: { readonly path: ConfigPath; readonly offset: number; readonly message: string }[] = [];

  read(node: unknown, path: ConfigPath, key: number): unknown {
    const offset = offsetOf(node, key);
    this.places.set(joined(path), { path, key, value: offset });
    if (path.length > DEEPEST) return this.refuse(path, offset, `nested deeper than ${DEEPEST} levels`);
    if (isAlias(node)) return this.refuse(path, offset, 'aliases are not used here: write the value out');
    if (isMap(node)) return this.readMap(node.items, path, offset);
    if (isSeq(node))
      return node.items.map((item, i) => this.read(item, [...path, i], offsetOf(item, offset)));
    const value = isScalar(node) ? node.value : null;
    if (typeof value === 'number' && !Number.isFinite(value))
      return this.refuse(path, offset, `expected a finite number, got ${value}`);
    return value;
  }

  // Duplicates are looked for here: the library compares each key with each other one.
  private readMap(items: readonly Pair[], path: ConfigPath, start: number): unknown {
    const entries = new Map<string, unknown>();
    for (const { key, value } of items) {
      const name = isScalar(key) && key.value !== null ? String(key.value) : null;
      const offset = offsetOf(key, start);
      if (name === null) this.refuse(path, offset, 'a key has to be a name');
      else if (RESERVED.has(name)) this.refuse([...path, name], offset, `"${name}" cannot be used as a name`);
      else if (entries.has(name)) this.refuse([...path, name], offset, `"${name}" stands here twice`);
      else entries.set(name, this.read(value, [...path, name], offset));
    }
    return Object.fromEntries(entries);
  }

  private refuse(path: ConfigPath, offset: number, message: string): null {
    this.problems.push({ path, offset, message });
    return null;
  }
}

/** The place of a path, or of its nearest parent that stands in the file. */
function placeOf(places: ReadonlyMap<string, Place>, problem: ConfigProblem): number {
  const whole = places.get(joined(problem.path));
  if (whole !== undefined) return problem.at === 'key' ? whole.key : whole.value;
  for (let length = problem.path.length - 1; length > 0; length--) {
    const parent = places.get(joined(problem.path.slice(0, length)));
    if (parent !== undefined) return parent.key;
  }
  return places.get('')?.value ?? 0;
}

function parse(text: string, counter: LineCounter) {
  return parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: counter,
  });
}

/** Parses a configuration file; `file` is how problems name it. Never throws for what the text holds. */
export function readDocument(file: string, bytes: Uint8Array): ConfigDocument {
  const text = Buffer.from(bytes).toString('utf8');
  const counter = new LineCounter();
  const textLines = text.split('\n');
  const at = (offset: number, path: ConfigPath, message: string): LocatedProblem => {
    const found = counter.lineStarts.length > 0 ? counter.linePos(offset) : { line: 1, col: 1 };
    const line = Math.max(1, Math.min(found.line, textLines.length));
    const shown = (textLines[line - 1] ?? '').replace(/\r$/, '');
    return { file, line, column: Math.max(1, found.col), path: path.join('.'), message, text: shown };
  };
  const broken = (problems: readonly LocatedProblem[]): ConfigDocument => ({
    value: null,
    problems,
    broken: true,
    lines: () => new Map(),
    locate: (problem) => at(0, problem.path, problem.message),
  });

  const document = parse(text, counter);
  if (!isUtf8(bytes) || text.includes('\0'))
    return broken([at(text.search(/[\uFFFD\0]/), [], 'not UTF-8 text')]);
  const describe = (error: YAMLError) => at(error.pos[0], [], `${error.message} (YAML)`);
  // Past the depth that the parser can take its other errors mean nothing.
  const tooDeep = document.errors.find((error) => error.code === 'RESOURCE_EXHAUSTION');
  if (tooDeep !== undefined) return broken([at(tooDeep.pos[0], [], 'nested too deeply')]);
  if (document.errors.length > 0) return broken(document.errors.map(describe));
  if (document.contents === null) return broken([at(0, [], 'the file is empty')]);

  const reader = new Reader();
  const value = reader.read(document.contents, [], 0);
  return {
    value,
    problems: [
      ...document.warnings.map(describe),
      ...reader.problems.map(({ offset, path, message }) => at(offset, path, message)),
    ],
    broken: false,
    lines: () =>
      new Map([...reader.places.values()].map((p) => [p.path.join('.'), counter.linePos(p.value).line])),
    locate: (problem) => at(placeOf(reader.places, problem), problem.path, problem.message),
  };
}
