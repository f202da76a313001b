/** What a server answered, or why nothing came of it. */
export type HttpAnswer =
  | { readonly ok: true; readonly status: number; readonly text: string }
  | { readonly ok: false; readonly reason: string };

export interface HttpOptions {
  readonly timeoutMs: number;
  /** Ends the request at once. */
  readonly signal?: AbortSignal;
}

/** More is not read of an answer, bytes. */
const AT_MOST = 4 * 1024 * 1024;

async function readBounded(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the stream.
    if (size > AT_MOST) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Why a request failed, in words: the cause that fetch hides below "fetch failed". */
function words(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}

/** GETs a URL of the configuration; a redirect is an answer and is not followed. Never rejects. */
export async function httpGet(url: string | URL, { timeoutMs, signal }: HttpOptions): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const text = await readBounded(response);
    return text === null
      ? { ok: false, reason: `the answer is larger than ${AT_MOST} bytes` }
      : { ok: true, status: response.status, text };
  } catch (error) {
    return { ok: false, reason: words(error, timeoutMs) };
  }
}
