import type { WatchConfig } from '../config/schema.ts';
import { httpGet } from './http.ts';
import type { Finding } from './types.ts';

/** A probe of the target's own health page: the status it should have, within its time. Never throws. */
export async function checkHttp(
  { url, expect_status: expected, timeout }: NonNullable<WatchConfig['http']>,
  signal: AbortSignal,
): Promise<Finding> {
  const answer = await httpGet(url, { timeoutMs: timeout, signal });
  if (signal.aborted) return { result: 'unknown', reason: 'stopped' };
  if (!answer.ok) return { result: 'unhealthy', reason: `${url}: ${answer.reason}` };
  return answer.status === expected
    ? { result: 'healthy', reason: `${url} answered ${expected}` }
    : { result: 'unhealthy', reason: `${url} answered ${answer.status}, not ${expected}` };
}
