/** A cell of a table: no line break, no column mark. */
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');

/** A table; nothing when it has no rows. */
export function markdownTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text as code; `<name>` in it is no mark-up then. */
export const code = (text: string) => `\`${text}\``;

/** Paragraphs with an empty line between them; empty ones are left out. */
export const page = (parts: readonly string[]) => `${parts.filter((part) => part !== '').join('\n\n')}\n`;
