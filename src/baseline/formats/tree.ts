import type { ParameterValue } from '../../config/schema.ts';
import { cannotRender, type Settings } from './settings.ts';

export type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);

/** Sets an own property, whatever its name: `__proto__` is a key like another. */
function put(tree: Tree, key: string, value: unknown): void {
  Object.defineProperty(tree, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The path of a section: its parts between dots. */
export const sectionPath = (section: string | undefined): string[] =>
  section === undefined || section === '' ? [] : section.split('.');

/** The object at the section's path; made where it is missing. */
function descend(root: Tree, path: readonly string[]): Tree {
  let at = root;
  for (const part of path) {
    const next: unknown = Object.hasOwn(at, part) ? at[part] : undefined;
    if (next === undefined || next === null) put(at, part, {});
    else if (!isTree(next)) throw cannotRender(`${path.join('.')}: ${part} is not a table of settings`);
    at = at[part] as Tree;
  }
  return at;
}

/**
 * Puts the settings into a parsed file, in place: missing sections are made, keys of inactive parameters removed.
 * @param shape what the parser of the format reads a value as
 */
export function setInTree(
  root: unknown,
  settings: Settings,
  shape: (value: ParameterValue, type: string) => unknown = (value) => value,
): Tree {
  if (!isTree(root)) throw cannotRender('the file does not hold a table of settings');
  const section = descend(root, sectionPath(settings.section));
  for (const { key, type, value } of settings.entries) {
    if (value === null) delete section[key];
    else put(section, key, shape(value, type));
  }
  return root;
}
