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
import { LockMetrics, type Reading } from '../metrics/lock-metrics.js';
import type { LockMetricsOptions } from '../metrics/metrics-options.interface.js';
import { readMetricsOptions, type MetricsSettings } from '../metrics/read-metrics-options.js';
import { badPrefix, noRegistry } from './prometheus.messages.js';
import { PrometheusSink } from './prometheus-sink.js';

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
}

interface Settings extends MetricsSettings {
  readonly registry: Registry;
  readonly prefix: string;
}

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
  private metrics?: LockMetrics;
  private sink?: PrometheusSink;

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
    const what = 'LockingPrometheusModule';
    const settings = readMetricsOptions(what, options, ['registry', 'prefix']);
    const { registry = register, prefix = '' } = options;
    if (typeof (registry as Partial<Registry> | null)?.getSingleMetric !== 'function') {
      throw new LockConfigurationError(noRegistry());
    }
    if (typeof prefix !== 'string' || !/^(?:[A-Za-z_]\w*)?$/.test(prefix))
      throw new LockConfigurationError(badPrefix());
    return {
      module: LockingPrometheusModule,
      providers: [{ provide: SETTINGS, useValue: { ...settings, registry, prefix } satisfies Settings }],
    };
  }

  /** Called by Nest: begins to listen. */
  onApplicationBootstrap(): void {
    const { registry, elections } = findLocking(this.moduleRef, 'LockingPrometheusModule');
    const read = async (): Promise<Reading[]> => this.metrics?.read() ?? [];
    const sink = (this.sink = new PrometheusSink(this.settings, read));
    this.metrics = new LockMetrics(registry, elections, sink, this.settings);
    this.metrics.start();
  }

  /** Called by Nest: the metrics leave the registry. */
  onApplicationShutdown(): void {
    this.metrics?.stop();
    this.sink?.close();
  }
}
