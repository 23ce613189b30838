import type { AcquireMessage } from '../../diagnostics/messages.interface.js';
import type { CounterName, HistogramName, Labels } from './metric-definitions.js';

/** What keeps the figures: a registry of Prometheus, or a meter of OpenTelemetry. */
export interface MetricsSink {
  /** @param trace - the labels of an exemplar: to which trace the observation belongs */
  record(histogram: HistogramName, labels: Labels, seconds: number, trace?: Labels): void;
  count(counter: CounterName, labels: Labels): void;

  /** Keeps none any more. */
  close(): void;
}

/** Knows to which traces waits belong. */
export interface LockTraces {
  /** A wait begins, in the async context of its caller. */
  note(wait: Readonly<AcquireMessage>): void;
  of(wait: Readonly<AcquireMessage>): Labels | undefined;
}
