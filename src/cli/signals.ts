/** Aborted by the first SIGTERM, SIGINT or SIGHUP; a second one ends the process at once, as the shell expects. */
export function shutdownSignal(): AbortSignal {
  const shutdown = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.once(signal, () => shutdown.abort(signal));
  return shutdown.signal;
}
