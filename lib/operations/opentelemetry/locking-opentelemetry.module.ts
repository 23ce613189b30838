import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { Duration } from '../../interfaces/index.js';
import { findLocking } from '../find-locking.js';
import type { LockMetricsOptions } from '../metrics/metrics-options.interface.js';
import { readMetricsOptions, type MetricsSettings } from '../metrics/read-metrics-options.js';
import { runMetrics } from '../metrics/run-metrics.js';
import { assertMethod, assertOptions } from '../read-options.js';
import { LockSpans, type SpanSettings } from './lock-spans.js';
import { MeterSink } from './meter-sink.js';
import { badSpans, noMeterProvider, noTracerProvider, notBoolean } from './opentelemetry.messages.js';

/** Which spans there are: the option `spans` of `LockingOpenTelemetryModule.forRoot`. */
export interface LockSpanOptions {
  /**
   * A span `lock.wait` for each wait for a lock, in the trace of the call.
   *
   * @defaultValue true
   */
  wait?: boolean | undefined;

  /**
   * A span `lock.hold` for each lock, from its grant to its release, in the trace of the call that asked for it.
   *
   * @defaultValue false
   */
  hold?: boolean | undefined;

  /**
   * Waits that are shorter have no span. A number is seconds.
   *
   * @defaultValue 0
   */
  minWait?: Duration | undefined;

  /**
   * Whether spans name the keys, which may carry ids of your users.
   *
   * @defaultValue false
   */
  keys?: boolean | undefined;
}

/** Options of `LockingOpenTelemetryModule.forRoot`. */
export interface LockingOpenTelemetryOptions extends LockMetricsOptions {
  /**
   * Whether there are metrics.
   *
   * @defaultValue true
   */
  metrics?: boolean | undefined;

  /**
   * Which spans there are; `false` for none.
   *
   * @defaultValue waits only
   */
  spans?: LockSpanOptions | false | undefined;

  /**
   * Where the metrics go.
   *
   * @defaultValue the global one of `@opentelemetry/api`
   */
  meterProvider?: MeterProvider | undefined;

  /**
   * Where the spans go.
   *
   * @defaultValue the global one of `@opentelemetry/api`
   */
  tracerProvider?: TracerProvider | undefined;
}

interface Settings {
  readonly metrics: MetricsSettings | undefined;
  readonly spans: SpanSettings | undefined;
  readonly meterProvider: MeterProvider | undefined;
  readonly tracerProvider: TracerProvider | undefined;
}

const SETTINGS = Symbol('options of LockingOpenTelemetryModule');
const WHAT = 'LockingOpenTelemetryModule';
const SCOPE = 'nestjs-locking';

/**
 * Metrics and spans of the locks of this application, for OpenTelemetry. Import it once, beside `LockingModule.forRoot()`;
 * start the SDK before the application, as you do for its other instrumentations.
 *
 * @example
 * imports: [LockingModule.forRoot(), LockingOpenTelemetryModule.forRoot({ spans: { minWait: '5ms' } })]
 */
@Module({})
export class LockingOpenTelemetryModule implements OnApplicationBootstrap, OnApplicationShutdown {
  private stopMetrics?: () => void;
  private lockSpans?: LockSpans;

  /** @internal */
  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * The module to import. It listens from the start of the application to its end.
   *
   * @throws LockConfigurationError for options that cannot work; at start-up in an application without `LockingModule`
   *
   * @example
   * LockingOpenTelemetryModule.forRoot({ spans: { hold: true }, buckets: [0.01, 0.1, 1, 10] })
   */
  static forRoot(options: LockingOpenTelemetryOptions = {}): DynamicModule {
    const common = readMetricsOptions(WHAT, options, ['metrics', 'spans', 'meterProvider', 'tracerProvider']);
    const { metrics: wantsMetrics = true, spans, meterProvider, tracerProvider } = options;
    if (typeof (wantsMetrics as unknown) !== 'boolean') throw new LockConfigurationError(notBoolean('metrics'));
    assertMethod(meterProvider, 'getMeter', noMeterProvider());
    assertMethod(tracerProvider, 'getTracer', noTracerProvider());
    const useValue: Settings = {
      metrics: wantsMetrics ? common : undefined,
      spans: spans === false ? undefined : readSpans(spans ?? {}),
      meterProvider,
      tracerProvider,
    };
    return { module: LockingOpenTelemetryModule, providers: [{ provide: SETTINGS, useValue }] };
  }

  /** Called by Nest: begins to listen. */
  onApplicationBootstrap(): void {
    const found = findLocking(this.moduleRef, WHAT);
    const { metrics: settings, spans, meterProvider, tracerProvider } = this.settings;
    if (settings) {
      const meter = (meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE);
      this.stopMetrics = runMetrics(WHAT, found, settings, (read) => new MeterSink(meter, settings.buckets, read));
    }
    if (spans) {
      const tracer = (tracerProvider ?? trace.getTracerProvider()).getTracer(SCOPE);
      this.lockSpans = new LockSpans(tracer, found.registry.application, spans);
      this.lockSpans.start();
    }
  }

  /** Called by Nest: listens no more. */
  onApplicationShutdown(): void {
    this.lockSpans?.stop();
    this.stopMetrics?.();
  }
}

function readSpans(options: LockSpanOptions): SpanSettings {
  if (typeof options !== 'object' || (options as object | null) === null) throw new LockConfigurationError(badSpans());
  assertOptions(`${WHAT}: spans`, options, ['wait', 'hold', 'minWait', 'keys'], "{ hold: true, minWait: '10ms' }");
  const { wait = true, hold = false, minWait = 0, keys = false } = options;
  for (const [name, value] of Object.entries({ wait, hold, keys })) {
    if (typeof (value as unknown) !== 'boolean') throw new LockConfigurationError(notBoolean(`spans.${name}`));
  }
  return { wait, hold, minWait: parseDuration(minWait, `${WHAT}: spans.minWait`), keys };
}
