/** Walks the JSON Schema of the configuration. */

/** The part of JSON Schema that the configuration's schema uses. */
export interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  /** Of a string, as a regular expression. */
  readonly pattern?: string;
}

/** The one of several forms that `value` means by its `type`; all of them when it does not say. */
export function branches(node: SchemaNode, value: unknown): readonly SchemaNode[] {
  if (node.oneOf === undefined) return [node];
  const type = (value as { type?: unknown } | null)?.type;
  const meant = node.oneOf.filter((option) => {
    const tag = option.properties?.type;
    return tag?.const === type || tag?.enum?.includes(type);
  });
  return meant.length > 0 ? meant : node.oneOf;
}

/** The schema of one entry of a mapping or list. */
export function child(node: SchemaNode, key: string | number): SchemaNode | undefined {
  if (typeof key === 'number') return node.items;
  if (node.properties && Object.hasOwn(node.properties, key)) return node.properties[key];
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

/** The keys that the schema knows at `path` of `value`; empty where any key is free. */
export function knownKeys(root: SchemaNode, value: unknown, path: readonly (string | number)[]): string[] {
  let nodes = branches(root, value);
  let at = value;
  for (const key of path) {
    at = (at as Record<string | number, unknown> | null | undefined)?.[key];
    nodes = nodes.flatMap((node) => child(node, key) ?? []).flatMap((node) => branches(node, at));
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}
