/** A value in force and where it comes from: the default, or a line of the file such as `kloros.yaml:12`. */
export interface Origin {
  readonly value: unknown;
  readonly origin: string;
}

/** Every leaf of the configuration by its dotted path; empty lists and mappings are leaves. */
export function originsOf(
  config: unknown,
  lines: ReadonlyMap<string, number>,
  fileName: string,
): Map<string, Origin> {
  const origins = new Map<string, Origin>();
  const visit = (value: unknown, path: string): void => {
    const children = value !== null && typeof value === 'object' ? Object.entries(value) : [];
    if (children.length > 0) {
      for (const [key, inner] of children) visit(inner, path === '' ? key : `${path}.${key}`);
      return;
    }
    const line = lines.get(path);
    origins.set(path, { value, origin: line === undefined ? 'default' : `${fileName}:${line}` });
  };
  visit(config, '');
  return origins;
}
