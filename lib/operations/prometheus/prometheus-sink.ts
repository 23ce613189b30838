import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { LockConfigurationError } from '../../errors/index.js';
import type { Reading } from '../metrics/lock-metrics.js';
import {
  METRICS,
  namesOf,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type Labels,
  type MetricName,
} from '../metrics/metric-definitions.js';
import type { MetricsSink } from '../metrics/metrics-sink.js';
import { takenName } from './prometheus.messages.js';

/** Where the metrics stand, and how they are made. */
interface PrometheusSettings {
  readonly registry: Registry;
  readonly prefix: string;
  readonly buckets: readonly number[];
  /** Whether observations name their traces; only a registry in the format of OpenMetrics can. */
  readonly exemplars: boolean;
}

const SUFFIXES = { histogram: '_seconds', counter: '_total', gauge: '' } as const;

/** Keeps the metrics of an application in a registry of prom-client. */
export class PrometheusSink implements MetricsSink {
  private readonly histograms = new Map<HistogramName, Histogram>();
  private readonly counters = new Map<CounterName, Counter>();
  private readonly gauges = new Map<GaugeName, Gauge>();
  private readonly names: string[] = [];

  /**
   * @param read - what the gauges read now; called once for each collection
   * @throws LockConfigurationError where the registry has one of the metrics
   */
  constructor(
    private readonly settings: PrometheusSettings,
    private readonly read: () => Promise<readonly Reading[]>,
  ) {
    const { registry, buckets, exemplars: enableExemplars } = settings;
    const all = (Object.keys(METRICS) as MetricName[]).map((name) => this.nameOf(name));
    const taken = all.find((name) => registry.getSingleMetric(name) !== undefined);
    if (taken !== undefined) throw new LockConfigurationError(takenName(taken));
    for (const name of namesOf('histogram')) {
      this.histograms.set(name, new Histogram({ ...this.config(name), buckets: [...buckets], enableExemplars }));
    }
    for (const name of namesOf('counter')) this.counters.set(name, new Counter(this.config(name)));
    const collect = async (): Promise<void> => this.collect();
    // The first gauge reads for all of them.
    namesOf('gauge').forEach((name, index) => {
      this.gauges.set(name, new Gauge({ ...this.config(name), collect: index === 0 ? collect : this.collected }));
    });
    this.names.push(...all);
  }

  record(histogram: HistogramName, labels: Labels, seconds: number, trace?: Labels): void {
    const kept = this.histograms.get(histogram);
    if (!this.settings.exemplars) kept?.observe(labels, seconds);
    else if (trace) kept?.observe({ labels, value: seconds, exemplarLabels: trace });
    // `observe` of prom-client 15.0 would replace the exemplar that there is by an empty one.
    else kept?.labels(labels).observe(seconds);
  }

  count(counter: CounterName, labels: Labels): void {
    this.counters.get(counter)?.inc(labels);
  }

  /** Takes the metrics out of the registry. */
  close(): void {
    for (const name of this.names) this.settings.registry.removeSingleMetric(name);
  }

  private reading: Promise<void> = Promise.resolve();

  private async collect(): Promise<void> {
    this.reading = this.readAll();
    await this.reading;
  }

  /** prom-client collects all metrics at once, and each takes its values after its own `collect`. */
  private readonly collected = async (): Promise<void> => this.reading;

  private async readAll(): Promise<void> {
    const readings = await this.read();
    for (const gauge of this.gauges.values()) gauge.reset();
    for (const { gauge, labels, value } of readings) this.gauges.get(gauge)?.set(labels, value);
  }

  private config(name: MetricName): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
    const { help, labels } = METRICS[name];
    return { name: this.nameOf(name), help, labelNames: [...labels], registers: [this.settings.registry] };
  }

  private nameOf(name: MetricName): string {
    const { name: dotted, kind } = METRICS[name];
    return `${this.settings.prefix}${dotted.replaceAll('.', '_')}${SUFFIXES[kind]}`;
  }
}
