import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AlwaysOffSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { openMetricsContentType, Registry, type OpenMetricsContentType } from 'prom-client';
import { LockingService } from '../../lib/index.js';
import { LockingPrometheusModule, type LockingPrometheusOptions } from '../../lib/operations/prometheus/index.js';
import { LockingTestControl, LockingTestingModule } from '../../lib/testing/index.js';
import { rejection, useApps } from '../support/nest-apps.js';

describe('exemplars in a registry of OpenMetrics', () => {
  const startApp = useApps();
  const tracer = new BasicTracerProvider().getTracer('test');

  beforeEach(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });

  afterEach(() => {
    context.disable();
  });

  const openMetrics = (): Registry => {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(openMetricsContentType);
    return registry as unknown as Registry;
  };

  const start = async (registry: Registry, options: LockingPrometheusOptions = {}) => {
    const app = await startApp({
      imports: [LockingTestingModule.forRoot(), LockingPrometheusModule.forRoot({ registry, ...options })],
    });
    return { locking: app.get(LockingService), control: app.get(LockingTestControl) };
  };

  /** The lines that have an exemplar: the name of the metric, and the labels of the exemplar. */
  const exemplars = async (registry: Registry): Promise<[string, string][]> =>
    (await registry.metrics())
      .split('\n')
      .map((line) => /^(\w+)\{.* # \{(.*)\} [\d.e-]+ \d/.exec(line))
      .flatMap((match): [string, string][] => (match ? [[match[1] ?? '', match[2] ?? '']] : []));

  it('waits and holds name the trace of the call, also where another call hands the lock on', async () => {
    const registry = openMetrics();
    const { locking, control } = await start(registry);
    const elsewhere = await control.holdElsewhere('a');
    const span = tracer.startSpan('request');
    const { traceId, spanId } = span.spanContext();
    const waiting = context.with(trace.setSpan(context.active(), span), async () =>
      locking.execute('a', () => undefined, { timeout: '10s' }),
    );
    await control.clock.advance('2s');
    await tracer.startActiveSpan('other', async (other) => {
      await elsewhere.release();
      other.end();
    });
    await control.clock.advance('1s');
    await waiting;
    span.end();
    const labels = `trace_id="${traceId}",span_id="${spanId}"`;
    expect(await exemplars(registry)).toEqual([
      ['locking_wait_duration_seconds_bucket', labels],
      ['locking_hold_duration_seconds_bucket', labels],
    ]);
    expect(await registry.metrics()).toMatch(/# EOF\n$/);
  });

  it('a wait outside of a trace, or in one that is not sampled, is counted without', async () => {
    const registry = openMetrics();
    const { locking } = await start(registry);
    await locking.execute('a', () => undefined);
    const unsampled = new BasicTracerProvider({ sampler: new AlwaysOffSampler() }).getTracer('off');
    await unsampled.startActiveSpan('request', async () => locking.execute('a', () => undefined));
    expect(await exemplars(registry)).toEqual([]);
    expect(await registry.metrics()).toMatch(/locking_wait_duration_seconds_count\{.*outcome="acquired"\} 2/);
  });

  it('there are none with exemplars: false, nor in a registry of Prometheus', async () => {
    const registry = openMetrics();
    const plain = new Registry();
    for (const { locking } of [await start(registry, { exemplars: false }), await start(plain)]) {
      await tracer.startActiveSpan('request', async () => locking.execute('a', () => undefined));
    }
    for (const each of [registry, plain]) {
      expect(await exemplars(each)).toEqual([]);
      expect(await each.metrics()).toContain('locking_wait_duration_seconds_count');
    }
  });

  it('exemplars that are asked for where they cannot be stop the start', async () => {
    const error = await rejection(start(new Registry(), { exemplars: true }));
    expect(error).toMatchObject({
      code: 'LOCK_CONFIGURATION',
      message: expect.stringMatching(/setContentType\(openMetricsContentType\)/),
    });
    expect(() => LockingPrometheusModule.forRoot({ exemplars: 'yes' as unknown as true })).toThrow(/true or false/);
  });
});
