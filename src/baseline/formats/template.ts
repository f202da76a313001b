import { cannotRender, type Settings } from './settings.ts';

/**
 * A template: `${name}` becomes the parameter's value, `$${` a literal `${`. A name that is no parameter is an error:
 * it would otherwise reach the target as text.
 */
export function renderTemplate(template: string, { entries }: Settings): string {
  const values = new Map(entries.map(({ key, value }) => [key, value]));
  return template.replace(/\$\$\{|\$\{([^}\n]*)\}/g, (all, name: string | undefined) => {
    if (name === undefined) return all.slice(1);
    const value = values.get(name);
    if (value === undefined || value === null)
      throw cannotRender(
        `the template names \${${name}}, which is no parameter; write $\${ for a literal \${`,
      );
    return String(value);
  });
}
