import type { Attributes, Span } from './span.ts';
import { NO_SPAN } from './span.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const isTrue = (value: string | undefined) => value?.trim().toLowerCase() === 'true';

/** Whether the standard variables of OpenTelemetry ask for traces: an OTLP endpoint is named and nothing turns it off. */
export function tracesAreAsked(env: Environment): boolean {
  const exporter = env.OTEL_TRACES_EXPORTER?.trim() || 'otlp';
  return (
    !isTrue(env.OTEL_SDK_DISABLED) &&
    exporter === 'otlp' &&
    Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim() || env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim())
  );
}

/**
 * Does `work` as the root of a trace that is sent when it is over, within seconds; a collector that does not answer
 * costs the trace and nothing else. OpenTelemetry is not even loaded unless its variables are set.
 * @param env OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT, …_HEADERS, …_TIMEOUT, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
 *   OTEL_TRACES_EXPORTER=none, OTEL_SDK_DISABLED=true
 */
export async function traced<T>(
  env: Environment,
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  if (!tracesAreAsked(env)) return work(NO_SPAN);
  const { openTrace } = await import('./otlp.ts');
  const trace = openTrace();
  try {
    return await trace.root.child(name, attributes, work);
  } finally {
    await trace.send();
  }
}
