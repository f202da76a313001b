import { ROOT_CONTEXT, SpanStatusCode, type Context as TraceContext, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { VERSION } from '../version.ts';
import type { Span } from './span.ts';

/** So long the end of a tick waits for a collector, ms. */
const SEND_MS = 2000;

type Tracer = ReturnType<TracerProvider['getTracer']>;

/** Pieces inside `parent`. Handed on by hand: what belongs where can be read from the code. */
function spanIn(tracer: Tracer, parent: TraceContext): Span {
  const own = trace.getSpan(parent);
  return {
    child: async (name, attributes, work) => {
      const span = tracer.startSpan(name, { attributes }, parent);
      try {
        return await work(spanIn(tracer, trace.setSpan(parent, span)));
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error));
        span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
        throw error;
      } finally {
        span.end();
      }
    },
    set: (attributes) => own?.setAttributes(attributes),
    fail: (message) => own?.setStatus({ code: SpanStatusCode.ERROR, message }),
  };
}

/** A trace that goes to the OTLP/HTTP collector that the standard variables name. */
export function openTrace(): { readonly root: Span; send(): Promise<void> } {
  const service = resourceFromAttributes({ 'service.name': 'kloros', 'service.version': VERSION });
  const resource = defaultResource()
    .merge(service)
    .merge(detectResources({ detectors: [envDetector] }));
  const exporter = new OTLPTraceExporter();
  const provider = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter })] });
  return {
    root: spanIn(provider.getTracer('kloros', VERSION), ROOT_CONTEXT),
    send: async () => {
      const waited = AbortSignal.timeout(SEND_MS);
      const late = new Promise<void>((resolve) =>
        waited.addEventListener('abort', () => resolve(), { once: true }),
      );
      await Promise.race([provider.shutdown().catch(() => {}), late]);
    },
  };
}
