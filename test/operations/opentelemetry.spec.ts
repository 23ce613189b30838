import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider, MetricReader, type Histogram } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { lockingChannels, LockingService, LockTimeoutError, WithLock } from '../../lib/index.js';
import {
  LockingOpenTelemetryModule,
  type LockingOpenTelemetryOptions,
} from '../../lib/operations/opentelemetry/index.js';
import { LockingTestControl, LockingTestingModule } from '../../lib/testing/index.js';
import { rejection, useApps } from '../support/nest-apps.js';

@Injectable()
class Orders {
  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    return Promise.resolve(id);
  }
}

/** Collects when it is asked to. */
class TestReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {
    await Promise.resolve();
  }

  protected override async onShutdown(): Promise<void> {
    await Promise.resolve();
  }
}

describe('LockingOpenTelemetryModule', () => {
  const startApp = useApps();
  let reader: TestReader;
  let meterProvider: MeterProvider;
  let spans: InMemorySpanExporter;
  let tracerProvider: BasicTracerProvider;

  beforeEach(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    reader = new TestReader();
    meterProvider = new MeterProvider({ readers: [reader] });
    spans = new InMemorySpanExporter();
    tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  });

  afterEach(async () => {
    context.disable();
    await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()]);
  });

  const start = async (options: LockingOpenTelemetryOptions = {}) => {
    const app = await startApp({
      imports: [
        LockingTestingModule.forRoot(),
        LockingOpenTelemetryModule.forRoot({ meterProvider, tracerProvider, ...options }),
      ],
      providers: [Orders],
    });
    return { app, locking: app.get(LockingService), orders: app.get(Orders), control: app.get(LockingTestControl) };
  };

  /** The values of a metric, by their attributes. */
  const collect = async (name: string): Promise<{ attributes: object; value: unknown }[]> => {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const found = metrics.find(({ descriptor }) => descriptor.name === name);
    return (found?.dataPoints ?? []).map(({ attributes, value }) => ({ attributes, value: value }));
  };

  it('waits and holds are histograms in seconds with our bounds', async () => {
    const { orders, control } = await start();
    const elsewhere = await control.holdElsewhere('order:1');
    const paying = orders.pay('1');
    await control.clock.advance('3s');
    await elsewhere.release();
    await control.clock.advance('1s');
    await paying;
    const [wait] = await collect('locking.wait.duration');
    expect(wait!.attributes).toEqual({
      'locking.provider': 'in-memory',
      'locking.key_template': 'order:<0>',
      'locking.outcome': 'acquired',
    });
    const { count, sum, buckets } = wait!.value as Histogram;
    expect(count).toBe(1);
    expect(sum).toBeGreaterThanOrEqual(3);
    expect(sum).toBeLessThanOrEqual(4);
    expect(buckets.boundaries[0]).toBe(0.001);
    expect(buckets.boundaries.at(-1)).toBe(10);
    expect(await collect('locking.hold.duration')).toHaveLength(1);
  });

  it('counters and gauges have their values', async () => {
    const { locking, control } = await start();
    await control.holdElsewhere('a');
    const refused = locking.acquire('a', { timeout: '1s', keyTemplate: 'x' }).catch(() => undefined);
    await control.clock.advance('2s');
    await refused;
    const lock = await locking.acquire('b', { keyTemplate: 'x' });
    const attributes = { 'locking.provider': 'in-memory', 'locking.key_template': 'x' };
    expect(await collect('locking.timeouts')).toEqual([
      { attributes: { ...attributes, 'locking.reason': 'held' }, value: 1 },
    ]);
    expect(await collect('locking.held')).toEqual([{ attributes, value: 1 }]);
    expect(await collect('locking.waiters')).toEqual([{ attributes, value: 0 }]);
    expect(await collect('locking.store.up')).toEqual([{ attributes: { 'locking.provider': 'in-memory' }, value: 1 }]);
    await lock.release();
    expect(await collect('locking.held')).toEqual([{ attributes, value: 0 }]);
  });

  it('a wait is a span in the trace of its caller, and begins when the wait began', async () => {
    const { orders, control } = await start();
    const tracer = tracerProvider.getTracer('test');
    const elsewhere = await control.holdElsewhere('order:secret');
    const before = Date.now();
    const paying = tracer.startActiveSpan('request', async (span) => {
      await orders.pay('secret');
      span.end();
    });
    await control.clock.advance('2s');
    await elsewhere.release();
    await control.clock.advance('1s');
    await paying;
    const [wait, request] = spans.getFinishedSpans();
    expect([wait!.name, request!.name]).toEqual(['lock.wait order:<0>', 'request']);
    expect(wait!.spanContext().traceId).toBe(request!.spanContext().traceId);
    expect(wait!.parentSpanContext?.spanId).toBe(request!.spanContext().spanId);
    expect(wait!.attributes).toMatchObject({
      'locking.provider': 'in-memory',
      'locking.key_template': 'order:<0>',
      'locking.key_count': 1,
      'locking.outcome': 'acquired',
      'locking.fencing_token': expect.any(Number),
    });
    expect(JSON.stringify([wait!.name, wait!.attributes])).not.toContain('secret');
    expect(wait!.startTime[0] * 1000).toBeGreaterThan(before - 2000);
    expect(wait!.duration[0]).toBeGreaterThanOrEqual(2);
    expect(wait!.duration[0]).toBeLessThanOrEqual(3);
  });

  it('holds are spans on demand, in the same trace', async () => {
    const { orders } = await start({ spans: { hold: true } });
    const tracer = tracerProvider.getTracer('test');
    await tracer.startActiveSpan('request', async (span) => {
      await orders.pay('1');
      span.end();
    });
    const finished = spans.getFinishedSpans();
    const request = finished.find(({ name }) => name === 'request')!;
    expect(finished.map(({ name }) => name).sort()).toEqual(['lock.hold order:<0>', 'lock.wait order:<0>', 'request']);
    for (const span of finished) expect(span.spanContext().traceId).toBe(request.spanContext().traceId);
    const hold = finished.find(({ name }) => name.startsWith('lock.hold'))!;
    expect(hold.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
    expect(hold.attributes['locking.outcome']).toBe('released');
  });

  it('a wait that timed out is an error without the key; a lock that is busy is none', async () => {
    const { locking, control } = await start();
    await control.holdElsewhere('secret');
    const refused = locking.acquire('secret', { timeout: '1s' });
    await Promise.all([expect(refused).rejects.toBeInstanceOf(LockTimeoutError), control.clock.advance('2s')]);
    expect(await locking.tryAcquire('secret')).toBeNull();
    const [timedOut, busy] = spans.getFinishedSpans();
    expect(timedOut!.name).toBe('lock.wait');
    expect(timedOut!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'LOCK_TIMEOUT' });
    expect(timedOut!.attributes).toMatchObject({ 'locking.outcome': 'timeout', 'error.type': 'LOCK_TIMEOUT' });
    expect(busy!.attributes).toMatchObject({ 'locking.outcome': 'busy' });
    expect(busy!.status.code).toBe(SpanStatusCode.UNSET);
    expect(JSON.stringify([timedOut!.attributes, timedOut!.events])).not.toContain('secret');
  });

  it('short waits have no span with minWait, and keys are named on demand', async () => {
    const { locking, control } = await start({ spans: { minWait: '1s', keys: true } });
    await locking.execute('a', () => undefined);
    expect(spans.getFinishedSpans()).toEqual([]);
    const elsewhere = await control.holdElsewhere('a');
    const waiting = locking.acquire('a');
    await control.clock.advance('2s');
    await elsewhere.release();
    await control.clock.advance('1s');
    await waiting;
    expect(spans.getFinishedSpans()[0]!.attributes['locking.keys']).toEqual(['a']);
  });

  it('metrics and spans can be left out', async () => {
    const { locking } = await start({ metrics: false, spans: false });
    await locking.execute('a', () => undefined);
    expect(lockingChannels.acquire.hasSubscribers).toBe(false);
    expect(spans.getFinishedSpans()).toEqual([]);
    expect(await collect('locking.held')).toEqual([]);
  });

  it('another application in the process has spans and figures of its own', async () => {
    await start();
    const other = await startApp({ imports: [LockingTestingModule.forRoot()], providers: [Orders] });
    await other.get(Orders).pay('1');
    expect(spans.getFinishedSpans()).toEqual([]);
    expect(await collect('locking.wait.duration')).toEqual([]);
  });

  it('nothing listens any more when the application has ended, and no gauge is read', async () => {
    const { app } = await start({ spans: { hold: true } });
    await app.close();
    expect([lockingChannels.acquire.hasSubscribers, lockingChannels.hold.hasSubscribers]).toEqual([false, false]);
    expect(await collect('locking.store.up')).toEqual([]);
  });

  it('without providers the global ones are used', async () => {
    trace.setGlobalTracerProvider(tracerProvider);
    try {
      const { locking } = await start({ tracerProvider: undefined });
      await locking.execute('a', () => undefined);
      expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['lock.wait']);
    } finally {
      trace.disable();
    }
  });

  it('an application without locks does not start', async () => {
    const error = await rejection(startApp({ imports: [LockingOpenTelemetryModule.forRoot()] }));
    expect((error as Error).message).toMatch(/Import LockingModule\.forRoot\(\)/);
  });

  it.each([
    [{ metrics: 1 as unknown as true }, /metrics must be true or false/],
    [{ spans: true as unknown as false }, /spans must be false or an object/],
    [{ spans: { holds: true } as object }, /Known are: wait, hold, minWait, keys/],
    [{ spans: { hold: 1 as unknown as true } }, /spans\.hold/],
    [{ spans: { minWait: 'x' as '1s' } }, /minWait/],
    [{ meterProvider: {} as MeterProvider }, /meterProvider/],
    [{ tracerProvider: {} as BasicTracerProvider }, /tracerProvider/],
    [{ span: false } as LockingOpenTelemetryOptions, /"span" is not an option/],
  ])('options that cannot work are refused: %j', (options, message) => {
    expect(() => LockingOpenTelemetryModule.forRoot(options)).toThrow(message);
  });
});
