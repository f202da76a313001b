import type { Analysis, Effect } from '../dream/importance.ts';
import { table } from './output.ts';
import { valueWords } from './words.ts';

const BARS = '▁▂▃▄▅▆▇█';
/** Below this share of the differences a parameter, or a pair, is not worth a line. */
const LEAST = 0.02;
/** Where less than this is predicted, the rest says little. */
const DOUBTFUL = 0.2;

const share = (value: number) => `${Math.round(100 * Math.max(0, value))} %`;

/** The curve as bars between its first value and its last; higher is better. */
function bars(curve: Effect['curve']): string {
  const heights = curve.map(({ mean }) => mean);
  const low = Math.min(...heights);
  const width = Math.max(...heights) - low || 1;
  const drawn = heights.map((h) => BARS[Math.floor(((h - low) / width) * (BARS.length - 1))]);
  return `${short(curve[0]?.value)} ${drawn.join('')} ${short(curve.at(-1)?.value)}`;
}

const short = (value: unknown) =>
  valueWords(typeof value === 'number' ? Number(value.toPrecision(3)) : value);

/** Which parameters decided the scores of a cycle, and which way. */
export function importanceWords({ importance, interactions, effects, explained }: Analysis): string {
  const rows = importance.flatMap(({ name, share: alone, uncertainty, total }, i) => {
    const curve = effects[i]?.curve ?? [];
    if (total < LEAST || curve.length === 0) return [];
    const best = curve.reduce((a, b) => (b.mean > a.mean ? b : a));
    const cells = [share(alone), `±${share(uncertainty)}`, share(total), short(best.value)];
    return [[name, ...cells, bars(curve)]];
  });
  const pairs = interactions.filter(({ share: size, uncertainty }) => size > Math.max(LEAST, uncertainty));
  const together = pairs
    .slice(0, 3)
    .map(({ names, share: size }) => `${names.join(' and ')} (${share(size)})`);
  const doubt = explained < DOUBTFUL ? ': the rest is chance or too few trials, do not rely on it' : '';
  return [
    table(['IMPORTANCE', 'ALONE', '', 'IN ALL', 'BEST AT', 'EFFECT'], rows),
    ...(together.length > 0 ? [`together: ${together.join(', ')}`] : []),
    `the model behind it predicts ${share(explained)} of the differences between configurations${doubt}`,
  ].join('\n');
}
