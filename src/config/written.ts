import { DURATION, formatQuantity, SIZE } from './quantity.ts';
import { branches, child, type SchemaNode } from './schema-tree.ts';

const QUANTITIES = [DURATION, SIZE];

/**
 * A checked configuration, or a part of it, as a person writes it: durations and sizes with their units. The result
 * passes the check again, to the same configuration.
 * @param node the JSON Schema of `value`
 */
export function asWritten(value: unknown, node: SchemaNode): unknown {
  const [form = node] = branches(node, value);
  if (Array.isArray(value)) return value.map((item, i) => asWritten(item, child(form, i) ?? {}));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, asWritten(inner, child(form, key) ?? {})]),
    );
  const quantity = QUANTITIES.find(({ pattern }) => pattern.source === form.pattern);
  return quantity && typeof value === 'number' ? formatQuantity(quantity, value) : value;
}
