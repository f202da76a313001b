import type { Params } from '../config/parameters.ts';
import { plainDecimal, quotedText } from './scalars.ts';

const HEADER = `# The baseline, written by KLoROS. manifest.json names the version in force and the SHA-256 of its content.
`;

const sorted = <T>(record: Readonly<Record<string, T>>) =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** A value as YAML that every reader takes for the same: digits for numbers, quotes around all text. */
const scalar = (value: Params[string]): string =>
  typeof value === 'number'
    ? plainDecimal(value)
    : typeof value === 'boolean'
      ? String(value)
      : quotedText(value);

/**
 * baseline.yaml: `experiments`, then experiment, then name and value, sorted. It names neither version nor time, so
 * that a roll-back has the very content, and hash, of the version that it restores.
 */
export function renderContent(params: Readonly<Record<string, Params>>): string {
  const lines = sorted(params).flatMap(([experiment, values]) => {
    const entries = sorted(values).map(([name, value]) => `    ${quotedText(name)}: ${scalar(value)}`);
    return entries.length > 0
      ? [`  ${quotedText(experiment)}:`, ...entries]
      : [`  ${quotedText(experiment)}: {}`];
  });
  return `${HEADER}experiments:${lines.length > 0 ? `\n${lines.join('\n')}` : ' {}'}\n`;
}

/** The parameters that a baseline.yaml holds. Loads the YAML parser: not for an idle tick. */
export async function parseContent(content: string): Promise<Record<string, Params>> {
  const { parse } = await import('yaml');
  const { experiments } = parse(content) as { experiments: Record<string, Params> };
  return experiments;
}
