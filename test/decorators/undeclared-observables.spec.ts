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
import { eventually } from '../support/processes.js';
import { freed, isHeld, rejection, thrown, useLockingApps, waiting } from '../support/nest-apps.js';

const failure = new TypeError('no more');

/** Methods from whose declared type the decorator cannot tell that they return an Observable. */
@Injectable()
class Feeds {
  readonly source = new Subject<number>();
  emitted = 0;

  constructor(readonly locking: LockingService) {}

  @WithLock('feed:<0>')
  async watch(_id: string): Promise<Observable<number>> {
    return Promise.resolve(this.source);
  }

  // no type is written down, so the compiler emits none but Object
  @WithLock('feed:<0>')
  inferred(_id: string) {
    return this.source as Observable<number>;
  }

  @WithLock('feed:<0>', { expire: '300ms' })
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

  const start = async (): Promise<{ app: INestApplication; feeds: Feeds }> => {
    const app = await startApp({ providers: [Feeds] });
    return { app, feeds: app.get(Feeds) };
  };

  it.each<[string, (feeds: Feeds) => Promise<Observable<number>>]>([
    ['declared as a Promise of it', async (feeds) => feeds.watch('1')],
    ['not declared', async (feeds) => feeds.inferred('1')],
  ])('resolves with it, and keeps the lock until it completes: %s', async (_what, call) => {
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
    // free before the subscriber is told, so that what follows may lock again
    expect(await isHeld(app, 'feed:1')).toBe(false);
  });

  it('keeps it until the source fails', async () => {
    const { app, feeds } = await start();
    const values = rejection(lastValueFrom(await feeds.watch('1')));
    feeds.source.error(failure);
    expect(await values).toBe(failure);
    expect(await isHeld(app, 'feed:1')).toBe(false);
  });

  it('keeps it until it is unsubscribed from, and unsubscribes from the source at once', async () => {
    const { app, feeds } = await start();
    const subscription = (await feeds.watch('1')).subscribe();
    expect(feeds.source.observed).toBe(true);
    expect(await isHeld(app, 'feed:1')).toBe(true);
    subscription.unsubscribe();
    expect(feeds.source.observed).toBe(false);
    await freed(app, 'feed:1');
  });

  it('lets nobody in meanwhile', async () => {
    const { app, feeds } = await start();
    const first = (await feeds.watch('1')).subscribe();
    const second = feeds.watch('1');
    await waiting(app, 'feed:1');
    expect(await feeds.skipping('1')).toBeUndefined();
    first.unsubscribe();
    (await second).subscribe().unsubscribe();
    await freed(app, 'feed:1');
  });

  it('keeps it for as long as anyone of several subscribers listens', async () => {
    const { app, feeds } = await start();
    const feed = await feeds.watch('1');
    const first = feed.subscribe();
    const second = feed.subscribe();
    first.unsubscribe();
    // several turns: a release would be on its way by now
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(await isHeld(app, 'feed:1')).toBe(true);
    second.unsubscribe();
    await freed(app, 'feed:1');
  });

  it('fails a subscription that comes after the lock was given up', async () => {
    const { app, feeds } = await start();
    const feed = await feeds.short('1');
    expect(await lastValueFrom(feed)).toBe(3);
    await freed(app, 'feed:1');
    expect(isLockLostError(await rejection(lastValueFrom(feed)))).toBe(true);
  });

  it('gives the lock up when nobody subscribes within the lease; a later subscription fails', async () => {
    const { app, feeds } = await start();
    const feed = await feeds.brief('1');
    expect(await isHeld(app, 'feed:1')).toBe(true);
    const started = Date.now();
    await app.get(LockingService).execute('feed:1', () => undefined);
    expect(Date.now() - started).toBeLessThan(2000);
    expect(isLockLostError(await rejection(lastValueFrom(feed)))).toBe(true);
    expect(feeds.source.observed).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('renews the lease for as long as somebody listens', async () => {
    const { app, feeds } = await start();
    const subscription = (await feeds.brief('1')).subscribe();
    // the lease is 300 ms: it must have been renewed if it still stands after twice that time
    await new Promise((resolve) => setTimeout(resolve, 650));
    expect(await isHeld(app, 'feed:1')).toBe(true);
    subscription.unsubscribe();
    await freed(app, 'feed:1');
  });

  it('fails with a LockLostError, and unsubscribes from the source, when the lock is lost', async () => {
    const { app, feeds } = await start();
    const values = rejection(lastValueFrom(await feeds.watch('1')));
    await app.get(LockingService).forceRelease('feed:1');
    expect(isLockLostError(await values)).toBe(true);
    expect(feeds.source.observed).toBe(false);
  });

  it('fails with a LockLostError when the lock was lost before anybody subscribed', async () => {
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

  it('is joined by calls inside it, and gives them its lock', async () => {
    const { app, feeds } = await start();
    expect(await lastValueFrom(await feeds.nested('1'))).toBe('promised 1 under feed:1');
    await freed(app, 'feed:1');
  });

  it('stops a source that never ends by itself, when enough was taken of it', async () => {
    const { app, feeds } = await start();
    expect(await lastValueFrom((await feeds.endless('1')).pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    expect(feeds.emitted).toBe(3);
    await freed(app, 'feed:1');
  });

  it('leaves nothing behind on the lock that it joined', async () => {
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

  /** Methods as esbuild compiles them: the callers know of the Observable, the decorator does not. */
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

  it('warns at the first call, once a method, and names the remedy', async () => {
    const { app, bare } = await start();
    expect(warnings).toEqual([]);
    for (const id of ['1', '2']) (await (bare.untold(id) as unknown as Promise<Observable<number>>)).subscribe();
    expect(warnings).toEqual([expect.stringMatching(/^@WithLock on Bare\.untold: .*Promise.*\{ observable: true \}/)]);
    expect(warnings[0]).toMatch(/emitDecoratorMetadata.*esbuild/);
    bare.source.complete();
    await freed(app, 'feed:1');
  });

  it('does not warn of a Promise of an Observable, or of another result', async () => {
    const { bare } = await start();
    (await bare.promised('1')).subscribe().unsubscribe();
    expect(await bare.result('1')).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('frees the key at once when the caller takes the Promise for the Observable', async () => {
    const { app, bare } = await start();
    expect(() => bare.untold('1').pipe(take(1))).toThrow('pipe is not a function');
    await eventually(() => bare.calls === 1);
    // long before the lease of 30 s is over, for which it would wait for a subscriber
    await freed(app, 'feed:1');
    expect(bare.source.observed).toBe(false);
  });

  it('fails a subscription that comes in a later turn of the event loop, and names the remedy', async () => {
    const { app, bare } = await start();
    const feed = await (bare.untold('1') as unknown as Promise<Observable<number>>);
    await freed(app, 'feed:1');
    const error = await rejection(lastValueFrom(feed));
    expect(isLockLostError(error)).toBe(true);
    expect(String(error)).toContain('{ observable: true }');
  });

  it('returns an Observable with { observable: true }, which takes the lock when it is subscribed to', async () => {
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

  it('takes both locks where only the upper one of two decorators is told', async () => {
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

  it('is no option of @LockRequest, whose handlers Nest subscribes to', () => {
    const error = thrown(() => LockRequest('feed', { observable: true } as unknown as LockRequestOptions));
    expect(isLockConfigurationError(error)).toBe(true);
    expect(String(error)).toContain('"observable"');
  });
});
