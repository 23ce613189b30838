/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger, type INestApplication } from '@nestjs/common';
import { getEventListeners } from 'node:events';
import { defer, isObservable, lastValueFrom, Observable, of, Subject, take, toArray } from 'rxjs';
import {
  isLockConfigurationError,
  isLockLostError,
  LockingService,
  LockRequest,
  WithLock,
  type LockRequestOptions,
} from '../../lib/index.js';
import { LockingTestControl, LockingTestingModule } from '../../lib/testing/index.js';
import { eventually } from '../support/poll.js';
import { freed, isHeld, rejection, thrown, useApps, useLockingApps, waiting } from '../support/nest-apps.js';

const failure = new TypeError('no more');

/** Methods whose declared type does not show the decorator that they return an Observable. */
@Injectable()
class Feeds {
  readonly source = new Subject<number>();
  emitted = 0;

  constructor(readonly locking: LockingService) {}

  @WithLock('feed:<0>')
  async watch(_id: string): Promise<Observable<number>> {
    return Promise.resolve(this.source);
  }

  // without a declared type the compiler emits Object
  @WithLock('feed:<0>')
  inferred(_id: string) {
    return this.source as Observable<number>;
  }

  @WithLock('feed:<0>', { expire: '4s' })
  async brief(_id: string): Promise<Observable<number>> {
    return Promise.resolve(this.source);
  }

  @WithLock('feed:<0>', { timeout: 0 })
  async nested(id: string): Promise<Observable<string>> {
    return Promise.resolve(defer(async () => this.promised(id)));
  }

  @WithLock('feed:<0>', { timeout: 0 })
  async promised(id: string): Promise<string> {
    return Promise.resolve(`promised ${id} under ${this.locking.current()?.keys.join() ?? 'none'}`);
  }

  @WithLock('feed:<0>')
  async endless(_id: string): Promise<Observable<number>> {
    return Promise.resolve(
      new Observable<number>((subscriber) => {
        for (let value = 0; !subscriber.closed && value < 1000; value++) {
          this.emitted += 1;
          subscriber.next(value);
        }
      }),
    );
  }

  @WithLock('feed:<0>')
  async short(_id: string): Promise<Observable<number>> {
    return Promise.resolve(of(1, 2, 3));
  }

  @WithLock('feed:<0>', { timeout: 0, onUnavailable: 'skip' })
  async skipping(_id: string): Promise<Observable<number> | undefined> {
    return Promise.resolve(this.source);
  }
}

let warnings: string[] = [];

beforeEach(() => {
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void warnings.push(String(message)));
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('@WithLock on a method that turns out to return an Observable', () => {
  const startApp = useLockingApps();
  const startOnClock = useApps();

  const start = async (): Promise<{ app: INestApplication; feeds: Feeds }> => {
    const app = await startApp({ providers: [Feeds] });
    return { app, feeds: app.get(Feeds) };
  };

  it.each<[string, (feeds: Feeds) => Promise<Observable<number>>]>([
    ['declared as a Promise of it', async (feeds) => feeds.watch('1')],
    ['not declared', async (feeds) => feeds.inferred('1')],
  ])('a method resolves with its Observable, and the lock is held until it completes: %s', async (_what, call) => {
    const { app, feeds } = await start();
    const feed = await call(feeds);
    expect(isObservable(feed)).toBe(true);
    expect(await isHeld(app, 'feed:1')).toBe(true);

    const values = lastValueFrom(feed.pipe(toArray()));
    feeds.source.next(1);
    expect(await isHeld(app, 'feed:1')).toBe(true);
    feeds.source.next(2);
    feeds.source.complete();
    expect(await values).toEqual([1, 2]);
    // the key is free before the subscriber is notified, which may lock it again
    expect(await isHeld(app, 'feed:1')).toBe(false);
  });

  it('the lock of an undeclared Observable is held until the source fails', async () => {
    const { app, feeds } = await start();
    const values = rejection(lastValueFrom(await feeds.watch('1')));
    feeds.source.error(failure);
    expect(await values).toBe(failure);
    expect(await isHeld(app, 'feed:1')).toBe(false);
  });

  it('the lock of an undeclared Observable is held until the subscriber leaves, and the source is left at once', async () => {
    const { app, feeds } = await start();
    const subscription = (await feeds.watch('1')).subscribe();
    expect(feeds.source.observed).toBe(true);
    expect(await isHeld(app, 'feed:1')).toBe(true);
    subscription.unsubscribe();
    expect(feeds.source.observed).toBe(false);
    await freed(app, 'feed:1');
  });

  it('the lock of an undeclared Observable excludes other callers', async () => {
    const { app, feeds } = await start();
    const first = (await feeds.watch('1')).subscribe();
    const second = feeds.watch('1');
    await waiting(app, 'feed:1');
    expect(await feeds.skipping('1')).toBeUndefined();
    first.unsubscribe();
    (await second).subscribe().unsubscribe();
    await freed(app, 'feed:1');
  });

  it('the lock of an undeclared Observable is held while any of several subscribers listens', async () => {
    const { app, feeds } = await start();
    const feed = await feeds.watch('1');
    const first = feed.subscribe();
    const second = feed.subscribe();
    first.unsubscribe();
    // several turns of the event loop: a release would have been sent by now
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(await isHeld(app, 'feed:1')).toBe(true);
    second.unsubscribe();
    await freed(app, 'feed:1');
  });

  it('a subscription after the release of the lock fails', async () => {
    const { app, feeds } = await start();
    const feed = await feeds.short('1');
    expect(await lastValueFrom(feed)).toBe(3);
    await freed(app, 'feed:1');
    expect(isLockLostError(await rejection(lastValueFrom(feed)))).toBe(true);
  });

  it('the lock of an undeclared Observable is released without a subscription within the lease; a later one fails', async () => {
    const { app, feeds } = await start();
    const feed = await feeds.brief('1');
    expect(await isHeld(app, 'feed:1')).toBe(true);
    const started = Date.now();
    await app.get(LockingService).execute('feed:1', () => undefined, { timeout: '25s' });
    expect(Date.now() - started).toBeLessThan(20_000);
    expect(isLockLostError(await rejection(lastValueFrom(feed)))).toBe(true);
    expect(feeds.source.observed).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('the lease of an undeclared Observable is renewed while a subscriber listens', async () => {
    const app = await startOnClock({ imports: [LockingTestingModule.forRoot()] }, { providers: [Feeds] });
    const { clock } = app.get(LockingTestControl);
    const errors: unknown[] = [];
    const feed = await app.get(Feeds).brief('1');
    const subscription = feed.subscribe({ error: (error) => errors.push(error) });
    // the lease is 4 s: it must have been renewed if it is still held after more than twice that time
    for (let second = 0; second < 9; second++) await clock.advance('1s');
    expect([await isHeld(app, 'feed:1'), errors.length]).toEqual([true, 0]);
    subscription.unsubscribe();
    await freed(app, 'feed:1');
  });

  it('when the lock is lost, an undeclared Observable fails with a LockLostError, and the source is left', async () => {
    const { app, feeds } = await start();
    const values = rejection(lastValueFrom(await feeds.watch('1')));
    await app.get(LockingService).forceRelease('feed:1');
    expect(isLockLostError(await values)).toBe(true);
    expect(feeds.source.observed).toBe(false);
  });

  it('a subscription after the loss of the lock fails with a LockLostError', async () => {
    const { app, feeds } = await start();
    const feed = await feeds.watch('1');
    await app.get(LockingService).forceRelease('feed:1');
    expect(isLockLostError(await rejection(lastValueFrom(feed)))).toBe(true);
    expect(feeds.source.observed).toBe(false);
    // the call counts as over: a shutdown would wait 10 s for one that does not
    const started = Date.now();
    await app.close();
    expect(Date.now() - started).toBeLessThan(5000);
  });

  it('calls inside an undeclared Observable join its lock', async () => {
    const { app, feeds } = await start();
    expect(await lastValueFrom(await feeds.nested('1'))).toBe('promised 1 under feed:1');
    await freed(app, 'feed:1');
  });

  it('an endless undeclared source is left when its subscriber has taken enough', async () => {
    const { app, feeds } = await start();
    expect(await lastValueFrom((await feeds.endless('1')).pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    expect(feeds.emitted).toBe(3);
    await freed(app, 'feed:1');
  });

  it('an undeclared Observable leaves no listener on a lock that it joined', async () => {
    const { app, feeds } = await start();
    await app.get(LockingService).execute('feed:1', async ({ signal }) => {
      await lastValueFrom(await feeds.short('1'));
      await new Promise(setImmediate);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });
  });
});

describe('@WithLock on a method that is typed Observable, where the compiler emits no types', () => {
  const startApp = useLockingApps();

  /** Methods compiled by esbuild: the callers know of the Observable, the decorator does not. */
  const start = async () => {
    @Injectable()
    class Bare {
      readonly source = new Subject<number>();
      calls = 0;

      constructor(readonly locking: LockingService) {}

      @WithLock('feed:<0>')
      untold(_id: string) {
        return this.watch();
      }

      @WithLock('feed:<0>', { observable: true })
      told(_id: string) {
        return this.watch();
      }

      @WithLock('feed:<0>', { observable: true, timeout: 0, onUnavailable: 'skip' })
      skipping(_id: string) {
        return this.watch();
      }

      @WithLock('outer:<0>', { observable: true })
      @WithLock('feed:<0>')
      toldAbove(_id: string) {
        return this.watch();
      }

      @WithLock('feed:<0>')
      async promised(_id: string) {
        return Promise.resolve(this.watch());
      }

      @WithLock('feed:<0>')
      async result(_id: string) {
        return Promise.resolve(1);
      }

      private watch(): Observable<number> {
        this.calls += 1;
        return this.source;
      }
    }
    const app = await startApp({ providers: [Bare] });
    return { app, bare: app.get(Bare) };
  };

  it('a method whose Observable the decorator cannot see causes one warning that names the remedy', async () => {
    const { app, bare } = await start();
    expect(warnings).toEqual([]);
    for (const id of ['1', '2']) (await (bare.untold(id) as unknown as Promise<Observable<number>>)).subscribe();
    expect(warnings).toEqual([expect.stringMatching(/^@WithLock on Bare\.untold: .*Promise.*\{ observable: true \}/)]);
    expect(warnings[0]).toMatch(/emitDecoratorMetadata.*esbuild/);
    bare.source.complete();
    await freed(app, 'feed:1');
  });

  it('a Promise of an Observable, or another result, causes no warning', async () => {
    const { bare } = await start();
    (await bare.promised('1')).subscribe().unsubscribe();
    expect(await bare.result('1')).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('the key is freed at once when the caller takes the Promise for the Observable', async () => {
    const { app, bare } = await start();
    expect(() => bare.untold('1').pipe(take(1))).toThrow('pipe is not a function');
    await eventually(() => bare.calls === 1);
    // long before the end of the lease of 30 s, in which it would wait for a subscriber
    await freed(app, 'feed:1');
    expect(bare.source.observed).toBe(false);
  });

  it('a subscription in a later turn of the event loop fails, and the error names the remedy', async () => {
    const { app, bare } = await start();
    const feed = await (bare.untold('1') as unknown as Promise<Observable<number>>);
    await freed(app, 'feed:1');
    const error = await rejection(lastValueFrom(feed));
    expect(isLockLostError(error)).toBe(true);
    expect(String(error)).toContain('{ observable: true }');
  });

  it('with { observable: true } a method returns an Observable, which locks at the subscription', async () => {
    const { app, bare } = await start();
    const feed = bare.told('1').pipe(toArray());
    await new Promise(setImmediate);
    expect(bare.calls).toBe(0);
    expect(await isHeld(app, 'feed:1')).toBe(false);

    const values = lastValueFrom(feed);
    await eventually(() => bare.source.observed);
    expect(await isHeld(app, 'feed:1')).toBe(true);
    expect(await lastValueFrom(bare.skipping('1'), { defaultValue: 'skipped' })).toBe('skipped');
    bare.source.next(1);
    bare.source.complete();
    expect(await values).toEqual([1]);
    expect(await isHeld(app, 'feed:1')).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('both locks are acquired if only the upper of two decorators has { observable: true }', async () => {
    const { app, bare } = await start();
    const values = lastValueFrom(bare.toldAbove('1').pipe(toArray()));
    await eventually(() => bare.source.observed);
    expect([await isHeld(app, 'outer:1'), await isHeld(app, 'feed:1')]).toEqual([true, true]);
    bare.source.next(1);
    bare.source.complete();
    expect(await values).toEqual([1]);
    expect([await isHeld(app, 'outer:1'), await isHeld(app, 'feed:1')]).toEqual([false, false]);
  });

  it.each([0, null, 'yes'])('refuses { observable: %s } when the class is defined', (observable) => {
    const error = thrown(() => WithLock('feed', { observable: observable as unknown as true }));
    expect(isLockConfigurationError(error)).toBe(true);
    expect(String(error)).toContain('observable must be true');
  });

  it('observable is no option of @LockRequest, whose handlers Nest subscribes to', () => {
    const error = thrown(() => LockRequest('feed', { observable: true } as unknown as LockRequestOptions));
    expect(isLockConfigurationError(error)).toBe(true);
    expect(String(error)).toContain('"observable"');
  });
});
