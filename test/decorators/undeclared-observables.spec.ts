/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplication } from '@nestjs/common';
import { getEventListeners } from 'node:events';
import { defer, isObservable, lastValueFrom, Observable, of, Subject, take, toArray } from 'rxjs';
import { isLockLostError, LockingService, WithLock } from '../../lib/index.js';
import { freed, isHeld, rejection, useLockingApps, waiting } from './support.js';

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
  async skipping(_id: string): Promise<Observable<number>> {
    return Promise.resolve(this.source);
  }
}

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
