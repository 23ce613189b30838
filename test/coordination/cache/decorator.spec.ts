import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger, Scope } from '@nestjs/common';
import { CACHE_MANAGER, CacheModule, type Cache } from '@nestjs/cache-manager';
import { Keyv } from 'keyv';
import { of } from 'rxjs';
import { CacheFlight, CacheFlightModule, CacheOnce } from '../../../lib/coordination/cache/index.js';
import { isLockConfigurationError, isLockKeyError, LockingModule } from '../../../lib/index.js';
import { rejectionOf } from '../../support/poll.js';
import { Stage, thrown, useApps } from '../../support/nest-apps.js';

@Injectable()
class Reports {
  readonly stage = new Stage();
  readonly currency = 'EUR';
  runs = 0;

  @CacheOnce('report:<0>', { ttl: '1m', staleFor: '10m' })
  async build(year: number): Promise<string> {
    this.runs += 1;
    await this.stage.enter(String(year));
    return `${String(year)} in ${this.currency}`;
  }

  @CacheOnce((scope: { tenant: string }) => `limits:${scope.tenant}`)
  async limits(scope: { tenant: string }): Promise<{ tenant: string; run: number }> {
    this.runs += 1;
    return Promise.resolve({ ...scope, run: this.runs });
  }

  @CacheOnce(() => ['a', 'b'])
  async several(): Promise<void> {
    return Promise.resolve();
  }

  @CacheOnce('stream')
  async stream(): Promise<unknown> {
    return Promise.resolve(of(1));
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class Overriding extends Reports {
  @CacheOnce('limits:<0.tenant>')
  override async limits(scope: { tenant: string }): Promise<{ tenant: string; run: number }> {
    const { run } = await super.limits(scope);
    return { ...scope, run: run + 100 };
  }
}

describe('@CacheOnce', () => {
  const startApp = useApps();

  afterEach(() => {
    jest.restoreAllMocks();
  });

  const start = async (entries = new Map<string, unknown>()) =>
    startApp({
      imports: [LockingModule.forRoot(), CacheFlightModule.forRoot({ store: new Keyv({ store: entries }), ttl: '1m' })],
      providers: [Reports, Overriding],
    });

  it('@CacheOnce runs a method once per key for all calls, and then serves its result', async () => {
    const app = await start();
    const reports = app.get(Reports);
    const calls = [reports.build(2026), reports.build(2026), reports.build(2025)];
    await Promise.all([reports.stage.entered('2026'), reports.stage.entered('2025')]);
    for (const year of ['2026', '2025']) reports.stage.leave(year);
    expect(await Promise.all(calls)).toEqual(['2026 in EUR', '2026 in EUR', '2025 in EUR']);
    expect(await reports.build(2026)).toBe('2026 in EUR');
    expect(reports.runs).toBe(2);
    const flight = app.get(CacheFlight);
    expect(await flight.get('report:2026')).toBe('2026 in EUR');
    await flight.delete('report:2026');
    const again = reports.build(2026);
    await reports.stage.entered('2026');
    reports.stage.leave('2026');
    await again;
    expect(reports.runs).toBe(3);
  });

  it('@CacheOnce takes a function as the key, and its ttl from the module', async () => {
    const reports = (await start()).get(Reports);
    expect(await reports.limits({ tenant: 'a' })).toEqual({ tenant: 'a', run: 1 });
    expect(await reports.limits({ tenant: 'a' })).toEqual({ tenant: 'a', run: 1 });
    expect(await reports.limits({ tenant: 'b' })).toEqual({ tenant: 'b', run: 2 });
  });

  it('an override with @CacheOnce that calls super is one load', async () => {
    const reports = await (await start()).resolve(Overriding);
    expect(await reports.limits({ tenant: 'a' })).toEqual({ tenant: 'a', run: 101 });
    expect(await reports.limits({ tenant: 'a' })).toEqual({ tenant: 'a', run: 101 });
  });

  it('@CacheOnce refuses several keys, keys without a value, Observables, and objects that Nest has not made', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const reports = (await start()).get(Reports);
    expect((await rejectionOf(reports.several())).message).toMatch(/a call has one key, and this one came to 2/);
    expect(isLockKeyError(await rejectionOf(reports.build(undefined as never)))).toBe(true);
    expect((await rejectionOf(reports.stream())).message).toMatch(/returned an Observable, which cannot be cached/);
    expect((await rejectionOf(new Reports().build(1))).message).toMatch(/called on an object that Nest has not made/);
  });

  it('@CacheOnce refuses what cannot work when the class is defined', () => {
    expect(isLockKeyError(thrown(() => CacheOnce('report:<0')))).toBe(true);
    expect(isLockConfigurationError(thrown(() => CacheOnce('a', { ttl: 0 })))).toBe(true);
    expect(isLockConfigurationError(thrown(() => CacheOnce('a', { key: 1 } as object)))).toBe(true);
    function* generate(): Generator {
      yield 1;
    }
    const decorate = CacheOnce('a') as MethodDecorator;
    expect((thrown(() => decorate({}, 'run', { value: generate })) as Error).message).toContain('@CacheOnce');
  });

  it('an application without CacheFlightModule does not start, and says what to import', async () => {
    const error = await rejectionOf(startApp({ imports: [LockingModule.forRoot()], providers: [Reports] }));
    expect(error.message).toContain('import CacheFlightModule.forRoot() into the root module');
  });
});

describe('CacheFlightModule', () => {
  const startApp = useApps();

  it('takes the CACHE_MANAGER of a global CacheModule', async () => {
    const app = await startApp({
      imports: [
        LockingModule.forRoot(),
        CacheModule.register({ isGlobal: true }),
        CacheFlightModule.forRoot({ ttl: '1m', prefix: 'shop:' }),
      ],
      providers: [Reports],
    });
    const [flight, manager] = [app.get(CacheFlight), app.get<Cache>(CACHE_MANAGER)];
    expect(await app.get(Reports).limits({ tenant: 'a' })).toEqual({ tenant: 'a', run: 1 });
    expect(await manager.get('shop:limits:a')).toMatchObject({ value: { tenant: 'a', run: 1 }, ttl: 60_000 });
    const keys: string[] = [];
    for await (const key of flight.keys('limits:*')) keys.push(key);
    expect(keys).toEqual(['limits:a']);
    expect(await flight.delete('limits:a')).toBe(true);
    expect(await manager.get('shop:limits:a')).toBeUndefined();
    await flight.set('b', 1);
    await flight.clear();
    expect(await flight.has('b')).toBe(false);
  });

  it('is made by a factory', async () => {
    const app = await startApp({
      imports: [
        LockingModule.forRoot(),
        CacheModule.register({ isGlobal: true }),
        CacheFlightModule.forRootAsync({
          inject: [CACHE_MANAGER],
          useFactory: (store: Cache) => ({ store, ttl: '1m' }),
        }),
      ],
    });
    expect(await app.get(CacheFlight).getOrSet('a', () => 1)).toBe(1);
    expect(await app.get<Cache>(CACHE_MANAGER).get('a')).toMatchObject({ value: 1 });
  });

  it('is not global with isGlobal: false', async () => {
    const modules = [LockingModule.forRoot(), CacheFlightModule.forRoot({ store: new Keyv(), isGlobal: false })];
    const app = await startApp({ imports: modules });
    expect(await app.get(CacheFlight).getOrSet('a', () => 1, { ttl: '1m' })).toBe(1);
  });
});
