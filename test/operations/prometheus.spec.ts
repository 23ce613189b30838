import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { register, Registry } from 'prom-client';
import { LockingPrometheusModule, type LockingPrometheusOptions } from '../../lib/operations/prometheus/index.js';
import { OncePerTick } from '../../lib/coordination/schedule/index.js';
import {
  getLeaderElectionToken,
  InMemoryLockingProvider,
  LeaderElection,
  lockingChannels,
  LockingModule,
  LockingService,
  WithLock,
} from '../../lib/index.js';
import { LockingTestControl, LockingTestingModule } from '../../lib/testing/index.js';
import { eventually } from '../support/poll.js';
import { rejection, useApps } from '../support/nest-apps.js';

@Injectable()
class Orders {
  @WithLock('order:<0>')
  async pay(id: string): Promise<string> {
    return Promise.resolve(id);
  }
}

/** The samples of a metric: its labels and value by line. */
async function samples(registry: Registry, name: string): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n');
  return lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

async function value(registry: Registry, name: string, ...labels: string[]): Promise<number | undefined> {
  const found = (await samples(registry, name)).find((line) => labels.every((label) => line.includes(label)));
  return found === undefined ? undefined : Number(found.slice(found.lastIndexOf(' ') + 1));
}

describe('LockingPrometheusModule', () => {
  const startApp = useApps();

  afterEach(() => {
    register.clear();
  });

  const start = async (options: LockingPrometheusOptions = {}) => {
    const registry = new Registry();
    const app = await startApp({
      imports: [LockingTestingModule.forRoot(), LockingPrometheusModule.forRoot({ registry, ...options })],
      providers: [Orders],
    });
    return { app, registry, locking: app.get(LockingService), control: app.get(LockingTestControl) };
  };

  it('waits and holds are counted in seconds, by template and never by key', async () => {
    const { app, registry, control } = await start();
    const { clock } = control;
    const elsewhere = await control.holdElsewhere('order:a-secret-id');
    const paying = app.get(Orders).pay('a-secret-id');
    await clock.advance('3s');
    await elsewhere.release();
    await clock.advance('1s');
    await paying;
    const labels = ['provider="in-memory"', 'key_template="order:<0>"'];
    const name = 'locking_wait_duration_seconds';
    expect(await value(registry, `${name}_count`, ...labels, 'outcome="acquired"')).toBe(1);
    const sum = await value(registry, `${name}_sum`, ...labels);
    expect(sum).toBeGreaterThanOrEqual(3);
    expect(sum).toBeLessThanOrEqual(4);
    expect(await value(registry, `${name}_bucket`, ...labels, 'le="2.5"')).toBe(0);
    expect(await value(registry, `${name}_bucket`, ...labels, 'le="5"')).toBe(1);
    expect(await value(registry, 'locking_hold_duration_seconds_count', ...labels, 'outcome="released"')).toBe(1);
    expect(await registry.metrics()).not.toContain('a-secret-id');
  });

  it('waiters and held locks are read at the collection, and what is gone is 0', async () => {
    const { registry, locking, control } = await start();
    const options = { keyTemplate: 'job' };
    const lock = await locking.acquire('a', options);
    const waiting = [locking.acquire('a', options), locking.acquire(['a', 'b'], options)];
    await control.clock.advance(0);
    const label = 'key_template="job"';
    expect(await value(registry, 'locking_held', label)).toBe(1);
    expect(await value(registry, 'locking_waiters', label)).toBe(2);
    await lock.release();
    await (await waiting[0]!).release();
    await (await waiting[1]!).release();
    expect(await value(registry, 'locking_held', label)).toBe(0);
    expect(await value(registry, 'locking_waiters', label)).toBe(0);
  });

  it('timeouts and losses are counted by their reasons', async () => {
    const { registry, locking, control } = await start();
    await control.holdElsewhere('a');
    const refused = locking.acquire('a', { timeout: '1s', keyTemplate: 'x' }).catch(() => undefined);
    await locking.acquire('b', { expire: '1s', keyTemplate: 'y' });
    await locking.acquire('c', { keyTemplate: 'z' });
    await control.clock.advance('2s');
    await refused;
    await locking.forceRelease('c');
    expect(await samples(registry, 'locking_timeouts_total')).toEqual([
      'locking_timeouts_total{provider="in-memory",key_template="x",reason="held"} 1',
    ]);
    expect(await samples(registry, 'locking_lost_total')).toEqual([
      'locking_lost_total{provider="in-memory",key_template="y",reason="expired"} 1',
      'locking_lost_total{provider="in-memory",key_template="z",reason="revoked"} 1',
    ]);
  });

  it('templates above the limit are counted together, and locks without one as (none)', async () => {
    const { registry, locking } = await start({ maxTemplates: 2 });
    for (const keyTemplate of ['one', 'two', 'three', 'four', undefined]) {
      await locking.execute('a', () => undefined, { keyTemplate });
    }
    const counts = await samples(registry, 'locking_wait_duration_seconds_count');
    expect(counts.map((line) => /key_template="([^"]*)".* (\d+)$/.exec(line)?.slice(1))).toEqual([
      ['one', '1'],
      ['two', '1'],
      ['(other)', '2'],
      ['(none)', '1'],
    ]);
  });

  it('jobs, elections and queues above the limit are counted together, each kind for itself, and a warning says so once', async () => {
    const registry = new Registry();
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const names = ['one', 'two', 'three', 'four'];
    const app = await startApp({
      imports: [
        LockingModule.forRoot(),
        LockingModule.forFeature({ leaders: names.map((name) => ({ name })) }),
        LockingPrometheusModule.forRoot({ registry, maxNames: 2, maxTemplates: 1 }),
      ],
    });
    const elections = names.map((name) => app.get<LeaderElection>(getLeaderElectionToken(name)));
    await eventually(() => elections.every((election) => election.isLeader()));
    expect(await samples(registry, 'locking_leader')).toEqual([
      'locking_leader{provider="in-memory",election="one"} 1',
      'locking_leader{provider="in-memory",election="two"} 1',
      'locking_leader{provider="in-memory",election="(other)"} 2',
    ]);
    const { application } = await originOf(app.get(LockingService));
    const origin = { application, provider: 'in-memory' };
    for (const name of names) {
      const ran = { kind: 'interval', outcome: 'late', at: new Date(), takenOver: false, error: undefined } as const;
      lockingChannels.tick.publish({ ...origin, name, ...ran });
      const about = { keys: ['a'], keyTemplate: undefined, jobId: '1', jobName: 'job', delay: 1 };
      lockingChannels.jobPutBack.publish({ ...origin, queue: name, ...about, reason: 'key-taken', outcome: 'delayed' });
    }
    const labels = async (name: string, label: string): Promise<(string | undefined)[]> =>
      (await samples(registry, name)).map((line) => new RegExp(`${label}="([^"]*)"`).exec(line)?.[1]);
    expect(await labels('locking_ticks_total', 'job_name')).toEqual(['interval:one', 'interval:two', '(other)']);
    expect(await labels('locking_ticks_missed_total', 'job_name')).toEqual(['interval:one', 'interval:two', '(other)']);
    expect(await labels('locking_jobs_put_back_total', 'queue')).toEqual(['one', 'two', '(other)']);
    expect(await value(registry, 'locking_jobs_put_back_total', 'queue="(other)"')).toBe(2);
    const warnings = warn.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('Prometheus'));
    warn.mockRestore();
    expect(warnings.map((text) => /more than (\d+ [a-z ]+);/.exec(text)?.[1]).sort()).toEqual([
      '1 key templates',
      '2 elections',
      '2 queues',
      '2 scheduled jobs',
    ]);
  });

  it('a prefix and buckets of your own are taken', async () => {
    const { registry, locking } = await start({ prefix: 'shop_', buckets: [1, 2] });
    await locking.execute('a', () => undefined);
    const bounds = (await samples(registry, 'shop_locking_wait_duration_seconds_bucket')).map(
      (line) => /le="([^"]+)"/.exec(line)?.[1],
    );
    expect(bounds).toEqual(['1', '2', '+Inf']);
  });

  it('a store that does not answer is down, and the collection ends all the same', async () => {
    const registry = new Registry();
    let answers = true;
    class Silent extends InMemoryLockingProvider {
      override async inspect(keys: readonly string[]) {
        return answers ? super.inspect(keys) : new Promise<never>(() => undefined);
      }
    }
    await startApp({
      imports: [
        LockingModule.forRoot({ providers: [{ resolve: Silent, id: 'silent' }] }),
        LockingPrometheusModule.forRoot({ registry, probeTimeout: '50ms' }),
      ],
    });
    expect(await value(registry, 'locking_store_up', 'provider="silent"')).toBe(1);
    answers = false;
    expect(await value(registry, 'locking_store_up', 'provider="silent"')).toBe(0);
    expect(await value(registry, 'locking_store_up', 'provider="silent"')).toBe(0);
  });

  it('leaders and ticks are there', async () => {
    const registry = new Registry();
    const app = await startApp({
      imports: [
        LockingModule.forRoot(),
        LockingModule.forFeature({ leaders: [{ name: 'relay' }] }),
        LockingPrometheusModule.forRoot({ registry }),
      ],
      providers: [OncePerTick, SchedulerRegistry],
    });
    const election = app.get<LeaderElection>(getLeaderElectionToken('relay'));
    await eventually(() => election.isLeader());
    expect(await value(registry, 'locking_leader', 'election="relay"')).toBe(1);
    await election.resign();
    expect(await value(registry, 'locking_leader', 'election="relay"')).toBe(0);
    await app.get(OncePerTick).run('report', () => 1, { every: '1h' });
    expect(await value(registry, 'locking_ticks_total', 'job_name="interval:report"', 'outcome="ran"')).toBe(1);
    const { application } = await originOf(app.get(LockingService));
    lockingChannels.tick.publish({
      application,
      provider: 'in-memory',
      kind: 'cron',
      name: 'report',
      at: new Date(),
      outcome: 'overlap',
      takenOver: false,
      error: undefined,
    });
    expect(await value(registry, 'locking_ticks_missed_total', 'job_name="cron:report"', 'reason="overlap"')).toBe(1);
  });

  it('the metrics leave the registry with the application, and nothing listens any more', async () => {
    const { app, registry } = await start();
    expect(registry.getMetricsAsArray().length).toBeGreaterThan(10);
    expect(lockingChannels.acquire.hasSubscribers).toBe(true);
    await app.close();
    expect(registry.getMetricsAsArray()).toEqual([]);
    expect(lockingChannels.acquire.hasSubscribers).toBe(false);
  });

  it('two applications have figures of their own, and not in one registry', async () => {
    const [one, other] = [await start(), await start()];
    await one.locking.execute('a', () => undefined);
    expect(await samples(one.registry, 'locking_wait_duration_seconds_count')).toHaveLength(1);
    expect(await samples(other.registry, 'locking_wait_duration_seconds_count')).toHaveLength(0);
    const error = await rejection(start({ registry: one.registry }));
    expect(error).toMatchObject({ code: 'LOCK_CONFIGURATION', message: expect.stringMatching(/new Registry\(\)/) });
  });

  it('without a registry the metrics stand in the global one', async () => {
    await startApp({ imports: [LockingTestingModule.forRoot(), LockingPrometheusModule.forRoot()] });
    expect(register.getSingleMetric('locking_held')).toBeDefined();
  });

  it('an application without locks does not start', async () => {
    const error = await rejection(startApp({ imports: [LockingPrometheusModule.forRoot()] }));
    expect((error as Error).message).toMatch(/Import LockingModule\.forRoot\(\)/);
  });

  it.each([
    [{ buckets: [] }, /buckets/],
    [{ buckets: [2, 1] }, /ascending/],
    [{ buckets: [0, 1] }, /above 0/],
    [{ maxTemplates: 0 }, /maxTemplates/],
    [{ maxNames: 1.5 }, /maxNames must be a whole number/],
    [{ probeTimeout: 'soon' as '1s' }, /probeTimeout/],
    [{ prefix: 'a-b' }, /prefix/],
    [{ registry: {} as Registry }, /registry/],
    [{ bucket: [1] } as LockingPrometheusOptions, /"bucket" is not an option.*buckets/],
    [null as unknown as LockingPrometheusOptions, /must be an object/],
  ])('options that cannot work are refused: %j', (options, message) => {
    expect(() => LockingPrometheusModule.forRoot(options)).toThrow(message);
  });
});

/** Where the messages of an application come from. */
async function originOf(locking: LockingService): Promise<{ application: string }> {
  return new Promise((resolve) => {
    const subscribers = {
      start: (message: { application: string }): void => {
        lockingChannels.acquire.unsubscribe(subscribers);
        resolve(message);
      },
    };
    lockingChannels.acquire.subscribe(subscribers);
    void locking.execute('any', () => undefined);
  });
}
