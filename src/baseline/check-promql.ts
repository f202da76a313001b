import type { WatchConfig } from '../config/schema.ts';
import { httpGet } from './http.ts';
import type { CompareTimes, Finding } from './types.ts';
import type { Watch } from './watch-store.ts';

type PromqlConfig = NonNullable<WatchConfig['promql']>;
/** Value by time, ms since the epoch; only finite ones. */
type Series = ReadonlyMap<number, number>;
type Asked = { readonly ok: true; readonly series: Series } | { readonly ok: false; readonly reason: string };

interface Line {
  readonly values?: readonly (readonly [number, string])[];
}

interface Matrix {
  readonly status?: string;
  readonly error?: string;
  readonly data?: {
    readonly resultType?: string;
    readonly result?: unknown;
  };
}

function parseSeries(text: string): Asked {
  let body: Matrix | null;
  try {
    body = JSON.parse(text) as Matrix | null;
  } catch {
    return { ok: false, reason: 'the answer is no JSON' };
  }
  if (body?.status !== 'success') return { ok: false, reason: body?.error ?? 'the query failed' };
  const result = body.data?.result;
  if (body.data?.resultType !== 'matrix' || !Array.isArray(result))
    return { ok: false, reason: 'the answer is no matrix' };
  if (result.length > 1)
    return { ok: false, reason: `the query gives ${result.length} series: aggregate them to one` };
  const [line] = result as readonly Line[];
  const points = line?.values ?? [];
  const read = points.map(([s, v]) => [Math.round(s * 1000), Number(v)] as const);
  return { ok: true, series: new Map(read.filter(([, value]) => Number.isFinite(value))) };
}

/** The values of the query from `start` to `end`, both ms since the epoch, a step apart. */
async function query(config: PromqlConfig, start: number, end: number, signal: AbortSignal): Promise<Asked> {
  const url = new URL('api/v1/query_range', config.url.endsWith('/') ? config.url : `${config.url}/`);
  const inSeconds = { start: start / 1000, end: end / 1000, step: config.step / 1000 };
  url.searchParams.set('query', config.query);
  for (const [name, value] of Object.entries(inSeconds)) url.searchParams.set(name, String(value));
  const answer = await httpGet(url, { timeoutMs: config.timeout, signal });
  if (!answer.ok) return answer;
  const parsed = parseSeries(answer.text);
  return parsed.ok || answer.status === 200
    ? parsed
    : { ok: false, reason: `${answer.status}: ${parsed.reason}` };
}

/**
 * The values since the apply, each beside the one that lay as far into an equally long time before it. Past that length
 * the time before is gone through again. A pair of which either is missing is none.
 */
function pairUp(step: number, watch: Watch, now: number, before: Series, after: Series) {
  const length = watch.deadline - watch.startedAt;
  const around = Math.max(1, Math.floor(length / step));
  const pairs: { readonly at: number; readonly before: number; readonly after: number }[] = [];
  for (let k = 1; watch.startedAt + k * step <= now; k++) {
    const at = watch.startedAt + k * step;
    const then = watch.startedAt - length + (k % around) * step;
    const [was, is] = [before.get(then), after.get(at)];
    if (was !== undefined && is !== undefined) pairs.push({ at, before: was, after: is });
  }
  return pairs;
}

const percent = (share: number) => `${share >= 0 ? '+' : ''}${Number((share * 100).toPrecision(3))} %`;

const unknown = ({ url }: PromqlConfig, reason: string, signal: AbortSignal): Finding => ({
  result: 'unknown',
  reason: signal.aborted ? 'stopped' : `${url}: ${reason}`,
});

/**
 * Compares a metric of the running target with the time before the apply. Unhealthy when it is shown to be worse than
 * the margin; a look at which nothing new was measured is no evidence. Never throws.
 * @param test the sequential test of `tick/compare-times.ts`
 */
export async function checkPromql(
  config: PromqlConfig,
  watch: Watch,
  now: number,
  test: CompareTimes,
  signal: AbortSignal,
): Promise<Finding> {
  const { startedAt, deadline, intervalMs } = watch;
  const length = deadline - startedAt;
  const before = await query(config, startedAt - length, startedAt - config.step, signal);
  if (!before.ok) return unknown(config, before.reason, signal);
  const first = startedAt + config.step;
  const after = await query(config, first, Math.max(now, first), signal);
  if (!after.ok) return unknown(config, after.reason, signal);
  const pairs = pairUp(config.step, watch, now, before.series, after.series);
  if (!pairs.some(({ at }) => at > now - intervalMs))
    return unknown(config, 'nothing was measured since the last look, or nothing before the apply', signal);
  const looks = Math.max(1, Math.round(length / intervalMs));
  const look = Math.max(0, Math.ceil((now - startedAt) / intervalMs) - 1);
  const found = test(pairs, {
    direction: config.direction,
    maxRegression: config.max_regression,
    look,
    looks,
  });
  const said = `${config.query}: ${percent(found.effect)} against before the apply (${pairs.length} pairs)`;
  if (!found.worse) return { result: 'healthy', reason: said };
  return { result: 'unhealthy', reason: `${said}, worse than ${percent(-config.max_regression)}` };
}
