import type * as OpenTelemetry from '@opentelemetry/api';
import type { AcquireMessage } from '../../diagnostics/messages.interface.js';
import type { Labels } from '../metrics/metric-definitions.js';
import type { LockTraces } from '../metrics/metrics-sink.js';

/** Which span was active when a wait began: the wait and its hold are an example of what happens in that trace. */
export class SpanExemplars implements LockTraces {
  private readonly spans = new WeakMap<Readonly<AcquireMessage>, Labels>();

  private constructor(private readonly api: typeof OpenTelemetry) {}

  /** @returns nothing where OpenTelemetry is not installed */
  static async load(): Promise<SpanExemplars | undefined> {
    try {
      return new SpanExemplars(await import('@opentelemetry/api'));
    } catch {
      return undefined;
    }
  }

  note(wait: Readonly<AcquireMessage>): void {
    const { context, trace, TraceFlags } = this.api;
    const span = trace.getSpanContext(context.active());
    // The backend does not have a trace that was not sampled.
    if (!span || !trace.isSpanContextValid(span) || (span.traceFlags & TraceFlags.SAMPLED) === 0) return;
    this.spans.set(wait, { trace_id: span.traceId, span_id: span.spanId });
  }

  of(wait: Readonly<AcquireMessage>): Labels | undefined {
    return this.spans.get(wait);
  }
}
