import type { Attributes, BatchObservableResult, Counter, Histogram, Meter, ObservableGauge } from '@opentelemetry/api';
import type { Reading } from '../metrics/lock-metrics.js';
import {
  METRICS,
  namesOf,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type Labels,
} from '../metrics/metric-definitions.js';
import type { MetricsSink } from '../metrics/metrics-sink.js';

/** Keeps the metrics of an application in the instruments of a meter. */
export class MeterSink implements MetricsSink {
  private readonly histograms = new Map<HistogramName, Histogram>();
  private readonly counters = new Map<CounterName, Counter>();
  private readonly gauges = new Map<GaugeName, ObservableGauge>();

  /** @param read - what the gauges read now; called once for each collection */
  constructor(
    private readonly meter: Meter,
    buckets: readonly number[],
    private readonly read: () => Promise<readonly Reading[]>,
  ) {
    for (const name of namesOf('histogram')) {
      const { name: full, help } = METRICS[name];
      const advice = { explicitBucketBoundaries: [...buckets] };
      this.histograms.set(name, meter.createHistogram(full, { description: help, unit: 's', advice }));
    }
    for (const name of namesOf('counter')) {
      const { name: full, help } = METRICS[name];
      this.counters.set(name, meter.createCounter(full, { description: help, unit: '1' }));
    }
    for (const name of namesOf('gauge')) {
      const { name: full, help } = METRICS[name];
      this.gauges.set(name, meter.createObservableGauge(full, { description: help, unit: '1' }));
    }
    meter.addBatchObservableCallback(this.observe, [...this.gauges.values()]);
  }

  record(histogram: HistogramName, labels: Labels, seconds: number): void {
    this.histograms.get(histogram)?.record(seconds, attributesOf(labels));
  }

  count(counter: CounterName, labels: Labels): void {
    this.counters.get(counter)?.add(1, attributesOf(labels));
  }

  /** Reads no gauges any more. */
  close(): void {
    this.meter.removeBatchObservableCallback(this.observe, [...this.gauges.values()]);
  }

  private readonly observe = async (result: BatchObservableResult): Promise<void> => {
    for (const { gauge, labels, value } of await this.read()) {
      const instrument = this.gauges.get(gauge);
      if (instrument) result.observe(instrument, value, attributesOf(labels));
    }
  };
}

/** Attributes have a namespace where labels have none. */
function attributesOf(labels: Labels): Attributes {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [`locking.${name}`, value]));
}
