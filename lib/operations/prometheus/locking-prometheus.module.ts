import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { register, type Registry } from 'prom-client';
import { LockConfigurationError } from '../../errors/index.js';
import { findLocking } from '../find-locking.js';
import type { LockMetricsOptions } from '../metrics/metrics-options.interface.js';
import { readMetricsOptions, type MetricsSettings } from '../metrics/read-metrics-options.js';
import { runMetrics } from '../metrics/run-metrics.js';
import { assertMethod } from '../read-options.js';
import { badPrefix, noOpenMetrics, noOpenTelemetry, noRegistry, notBoolean } from './prometheus.messages.js';
import { PrometheusSink } from './prometheus-sink.js';
import { SpanExemplars } from './span-exemplars.js';

/** Of `contentType`. prom-client has it as a constant, but not in the types of all its versions. */
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Options of `LockingPrometheusModule.forRoot`. */
export interface LockingPrometheusOptions extends LockMetricsOptions {
  /**
   * Where the metrics are registered. One registry has the locks of one application.
   *
   * @defaultValue the global `register` of prom-client
   */
  registry?: Registry | undefined;

  /**
   * What the names of the metrics begin with, before `locking_`.
   *
   * @defaultValue ''
   */
  prefix?: string | undefined;

  /**
   * Whether waits and holds name the trace of their call, where OpenTelemetry samples it. Only a registry in the format of
   * OpenMetrics has room for that.
   *
   * @defaultValue true for such a registry where `@opentelemetry/api` is installed
   */
  exemplars?: boolean | undefined;
}

interface Settings extends MetricsSettings {
  readonly registry: Registry;
  readonly prefix: string;
  readonly exemplars: boolean | undefined;
}

const WHAT = 'LockingPrometheusModule';
const SETTINGS = Symbol('options of LockingPrometheusModule');

/**
 * Metrics of the locks of this application, for Prometheus. Import it once, beside `LockingModule.forRoot()`, and serve
 * the registry as you serve your other metrics.
 *
 * @example
 * imports: [LockingModule.forRoot(), LockingPrometheusModule.forRoot()]
 */
@Module({})
export class LockingPrometheusModule implements OnApplicationBootstrap, OnApplicationShutdown {
  private stop?: () => void;

  /** @internal */
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * The module to import. The metrics are there when the application has started, and leave the registry when it ends.
   *
   * @throws LockConfigurationError for options that cannot work; at start-up for a registry that has the metrics of another
   * application, and in an application without `LockingModule`
   *
   * @example
   * LockingPrometheusModule.forRoot({ registry: new Registry(), prefix: 'shop_' })
   */
  static forRoot(options: LockingPrometheusOptions = {}): DynamicModule {
    const settings = readMetricsOptions(WHAT, options, ['registry', 'prefix', 'exemplars']);
    const { registry = register, prefix = '', exemplars } = options;
    assertMethod(registry, 'getSingleMetric', noRegistry());
    if (typeof prefix !== 'string' || !/^(?:[A-Za-z_]\w*)?$/.test(prefix))
      throw new LockConfigurationError(badPrefix());
    if (exemplars !== undefined && typeof (exemplars as unknown) !== 'boolean')
      throw new LockConfigurationError(notBoolean());
    return {
      module: LockingPrometheusModule,
      providers: [{ provide: SETTINGS, useValue: { ...settings, registry, prefix, exemplars } satisfies Settings }],
    };
  }

  /** Called by Nest: begins to listen. */
  async onApplicationBootstrap(): Promise<void> {
    const { settings } = this;
    const found = findLocking(this.moduleRef, WHAT);
    const traces = await tracesFor(settings);
    const exemplars = traces !== undefined;
    this.stop = runMetrics(
      WHAT,
      found,
      settings,
      (read) => new PrometheusSink({ ...settings, exemplars }, read),
      traces,
    );
  }

  /** Called by Nest: the metrics leave the registry. */
  onApplicationShutdown(): void {
    this.stop?.();
  }
}

async function tracesFor({ registry, exemplars }: Settings): Promise<SpanExemplars | undefined> {
  if (exemplars === false) return undefined;
  const hasRoom = (registry.contentType as string) === OPEN_METRICS;
  if (!hasRoom && exemplars === true) throw new LockConfigurationError(noOpenMetrics());
  const traces = hasRoom ? await SpanExemplars.load() : undefined;
  if (!traces && exemplars === true) throw new LockConfigurationError(noOpenTelemetry());
  return traces;
}
