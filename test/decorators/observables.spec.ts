/* eslint-disable @typescript-eslint/no-unused-vars -- some methods take arguments only for the key to be made of them */
import { describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplication } from '@nestjs/common';
import { getEventListeners } from 'node:events';
import {
  concat,
  defer,
  firstValueFrom,
  from,
  isObservable,
  lastValueFrom,
  Observable,
  of,
  Subject,
  take,
  toArray,
  type Subscription,
} from 'rxjs';
import { isLockConfigurationError, isLockLostError, LockingService, WithLock, type Lock } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { freed, isHeld, rejection, useLockingApps, waiting } from '../support/nest-apps.js';

const failure = new TypeError('no more');

/** Subscribes, and records all notifications in order. */
function record(source: Observable<unknown>): { seen: unknown[]; subscription: Subscription; end: Promise<void> } {
  const seen: unknown[] = [];
  let finish: () => void = () => undefined;
  const end = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const subscription = source.subscribe({
    next: (value) => seen.push(value),
    error: (error: unknown) => {
      seen.push(error);
      finish();
    },
    complete: () => {
      seen.push('complete');
      finish();
    },
  });
  return { seen, subscription, end };
}

@Injectable()
class Feeds {
  /** The sources of the running subscriptions. */
  readonly sources: Subject<number>[] = [];
  readonly tornDown: string[] = [];
  calls = 0;
  emitted = 0;
  held: Lock | undefined;
  private started?: () => void;

  constructor(readonly locking: LockingService) {}

  @WithLock('feed:<0>')
  watch(_id: string): Observable<number> {
    return this.source();
  }

  @WithLock('feed:<0>', { timeout: 0 })
  throwing(_id: string): Observable<number> {
    return this.source();
  }

  @WithLock('feed:<0>', { timeout: 0, onUnavailable: 'skip' })
  skipping(_id: string): Observable<number> {
    return this.source();
  }

  @WithLock('feed:<0>', { timeout: 0, onUnavailable: (error, id: string) => `${error.code} ${id}` })
  withFallback(_id: string): Observable<unknown> {
    return this.source();
  }

  @WithLock('feed:<0>', { timeout: 0, onUnavailable: async () => Promise.resolve('later') })
  withAsyncFallback(_id: string): Observable<unknown> {
    return this.source();
  }

  @WithLock('feed:<0>', { timeout: 0, onUnavailable: () => of('several', 'values') })
  withObservableFallback(_id: string): Observable<unknown> {
    return this.source();
  }

  @WithLock('feed:<0>', {
    timeout: 0,
    onUnavailable: () => {
      throw failure;
    },
  })
  withThrowingFallback(_id: string): Observable<unknown> {
    return this.source();
  }

  @WithLock('feed:<0>', { onUnavailable: 'skip' })
  innerTimeout(_id: string): Observable<unknown> {
    return this.throwing('inner');
  }

  @WithLock('feed:<0>')
  failing(_id: string): Observable<number> {
    return concat(of(1), new Observable<number>((subscriber) => subscriber.error(failure)));
  }

  @WithLock('feed:<0>')
  throwsAtOnce(_id: string): Observable<number> {
    throw failure;
  }

  @WithLock('feed:<0>')
  short(_id: string): Observable<number> {
    return of(1, 2, 3);
  }

  @WithLock('feed:<0>')
  endless(_id: string): Observable<number> {
    return new Observable((subscriber) => {
      for (let value = 0; !subscriber.closed && value < 1000; value++) {
        this.emitted += 1;
        subscriber.next(value);
      }
    });
  }

  @WithLock('feed:<0>')
  lock(_id: string): Observable<Lock | undefined> {
    return defer(() => of(this.locking.current()));
  }

  @WithLock('feed:<0>', { timeout: 0 })
  nested(id: string): Observable<number> {
    return defer(() => this.throwing(id));
  }

  @WithLock('feed:<0>', { timeout: 0 })
  nestedPromise(id: string): Observable<string> {
    return defer(async () => this.promised(id));
  }

  @WithLock('feed:<0>', { timeout: 0 })
  async promised(id: string): Promise<string> {
    return Promise.resolve(`promised ${id}`);
  }

  /** Resolves with the source of the next subscription. */
  async next(): Promise<Subject<number>> {
    const { length } = this.sources;
    await new Promise<void>((resolve) => (this.started = resolve));
    return this.sources[length]!;
  }

  private source(): Observable<number> {
    this.calls += 1;
    this.held = this.locking.current();
    return new Observable((subscriber) => {
      const subject = new Subject<number>();
      this.sources.push(subject);
      subscriber.add(subject.subscribe(subscriber));
      subscriber.add(() => this.tornDown.push(`source ${this.sources.indexOf(subject)}`));
      this.started?.();
    });
  }
}

describe('@WithLock on a method that returns an Observable', () => {
  const startApp = useLockingApps();

  const start = async (): Promise<{ app: INestApplication; feeds: Feeds }> => {
    const app = await startApp({ providers: [Feeds] });
    return { app, feeds: app.get(Feeds) };
  };

  it('a method returns its Observable at once; nothing is locked and nothing runs before the subscription', async () => {
    const { app, feeds } = await start();
    const feed = feeds.watch('1');
    expect(isObservable(feed)).toBe(true);
    expect(feed).not.toBeInstanceOf(Promise);
    // one turn of the event loop, for anything that might have begun
    await new Promise(setImmediate);
    expect(await isHeld(app, 'feed:1')).toBe(false);
    expect(feeds.calls).toBe(0);
  });

  it('the lock is held from the subscription until the Observable completes', async () => {
    const { app, feeds } = await start();
    const started = feeds.next();
    const { seen, end } = record(feeds.watch('1'));
    const source = await started;
    expect(await isHeld(app, 'feed:1')).toBe(true);
    source.next(1);
    expect(await isHeld(app, 'feed:1')).toBe(true);
    source.next(2);
    source.complete();
    await end;
    expect(seen).toEqual([1, 2, 'complete']);
    // the key is free before the subscriber is notified, which may lock it again
    expect(await isHeld(app, 'feed:1')).toBe(false);
  });

  it('the lock is held until the source fails, and its error is passed on', async () => {
    const { app, feeds } = await start();
    const { seen, end } = record(feeds.failing('1'));
    await end;
    expect(seen).toEqual([1, failure]);
    expect(seen[1]).toBe(failure);
    expect(await isHeld(app, 'feed:1')).toBe(false);
  });

  it('the lock is held until the subscriber leaves, and the source is left at once', async () => {
    const { app, feeds } = await start();
    const started = feeds.next();
    const { seen, subscription } = record(feeds.watch('1'));
    const source = await started;
    source.next(1);
    expect(await isHeld(app, 'feed:1')).toBe(true);
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
    expect(feeds.tornDown).toEqual(['source 0']);
    await freed(app, 'feed:1');
    expect(seen).toEqual([1]);
  });

  it('an error that the method throws at once is passed on', async () => {
    const { app, feeds } = await start();
    const { seen, end } = record(feeds.throwsAtOnce('1'));
    await end;
    expect(seen).toEqual([failure]);
    expect(await isHeld(app, 'feed:1')).toBe(false);
  });

  it('the next subscription begins only when the first has ended', async () => {
    const { app, feeds } = await start();
    const started = feeds.next();
    const first = record(feeds.watch('1'));
    const source = await started;
    const second = record(feeds.watch('1'));
    const third = feeds.promised('1').catch((error: unknown) => error);
    await waiting(app, 'feed:1');
    expect(await third).toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(feeds.sources).toHaveLength(1);

    const startedAgain = feeds.next();
    source.complete();
    const next = await startedAgain;
    expect(first.seen).toEqual(['complete']);
    next.next(5);
    next.complete();
    await second.end;
    expect(second.seen).toEqual([5, 'complete']);
  });

  it('each subscription locks again, and calls the method again', async () => {
    const { app, feeds } = await start();
    const feed = feeds.lock('1');
    const first = await firstValueFrom(feed);
    const second = await firstValueFrom(feed);
    expect(first?.keys).toEqual(['feed:1']);
    expect(second!.fencingToken).toBeGreaterThan(first!.fencingToken);
    await freed(app, 'feed:1');
  });

  it('two subscriptions of one Observable exclude each other', async () => {
    const { app, feeds } = await start();
    const feed = feeds.watch('1');
    const started = feeds.next();
    const first = record(feed);
    const source = await started;
    const second = record(feed);
    await waiting(app, 'feed:1');
    expect(feeds.calls).toBe(1);
    const startedAgain = feeds.next();
    source.complete();
    (await startedAgain).complete();
    await Promise.all([first.end, second.end]);
    expect(feeds.calls).toBe(2);
  });

  it('subscriptions with other keys run beside it', async () => {
    const { feeds } = await start();
    const started = feeds.next();
    const first = record(feeds.watch('1'));
    const source = await started;
    expect(await lastValueFrom(feeds.short('2').pipe(toArray()))).toEqual([1, 2, 3]);
    source.complete();
    await first.end;
  });

  it('a waiting subscription leaves the queue when its subscriber leaves', async () => {
    const { app, feeds } = await start();
    const lock = await app.get(LockingService).acquire('feed:1');
    const { seen, subscription } = record(feeds.watch('1'));
    await waiting(app, 'feed:1');
    subscription.unsubscribe();
    await waiting(app, 'feed:1', 0);
    await lock.release();
    expect(await feeds.promised('1')).toBe('promised 1');
    expect(seen).toEqual([]);
    expect(feeds.calls).toBe(0);
  });

  it('a signal of the options ends the subscription, too', async () => {
    const abort = new AbortController();
    @Injectable()
    class Stoppable {
      @WithLock('feed:1', { signal: abort.signal })
      watch(): Observable<number> {
        return of(1);
      }
    }
    const app = await startApp({ providers: [Stoppable] });
    await app.get(LockingService).acquire('feed:1');
    const { seen, end } = record(app.get(Stoppable).watch());
    await waiting(app, 'feed:1');
    abort.abort(failure);
    await end;
    expect(seen).toEqual([failure]);
  });

  it('a subscriber that leaves at any moment on the way to the lock leaves nothing held', async () => {
    const { app, feeds } = await start();
    for (let steps = 0; steps < 60; steps++) {
      const subscription = feeds.watch('1').subscribe();
      for (let step = 0; step < steps; step++) await Promise.resolve();
      subscription.unsubscribe();
      await freed(app, 'feed:1');
    }
    // early enough to be refused, and late enough to be granted
    expect(feeds.calls).toBeGreaterThan(0);
    expect(feeds.calls).toBeLessThan(60);
    expect(feeds.sources.filter(({ observed }) => observed)).toEqual([]);
    expect(await feeds.promised('1')).toBe('promised 1');
  });

  it('a source is not subscribed to if the subscriber leaves while the method is called', async () => {
    const source = new Subject<number>();
    const subscriptions: Subscription[] = [];
    @Injectable()
    class Leaving {
      @WithLock('feed:1')
      watch(): Observable<number> {
        subscriptions.pop()?.unsubscribe();
        return source;
      }
    }
    const app = await startApp({ providers: [Leaving] });
    const feed = app.get(Leaving).watch();
    subscriptions.push(feed.subscribe());
    await eventually(() => subscriptions.length === 0);
    await freed(app, 'feed:1');
    expect(source.observed).toBe(false);
  });

  it('an endless source is left when its subscriber has taken enough', async () => {
    const { app, feeds } = await start();
    expect(await lastValueFrom(feeds.endless('1').pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    expect(feeds.emitted).toBe(3);
    await freed(app, 'feed:1');
  });

  it('when the lock is lost, the Observable fails with a LockLostError, and the source is left', async () => {
    const { app, feeds } = await start();
    const started = feeds.next();
    const { seen, end } = record(feeds.watch('1'));
    const source = await started;
    source.next(1);
    let observed: boolean | undefined;
    feeds.held?.signal.addEventListener('abort', () => (observed = source.observed));
    const lost = app.get(LockingService).forceRelease('feed:1');
    await end;
    source.next(2);
    expect(await lost).toBe(1);
    // at once, before the store has answered
    expect(observed).toBe(false);
    expect(seen).toEqual([1, expect.objectContaining({ code: 'LOCK_LOST' })]);
    expect(isLockLostError(seen[1])).toBe(true);
  });

  it('an Observable leaves no listener on a lock that it joined', async () => {
    const { app, feeds } = await start();
    await app.get(LockingService).execute('feed:1', async ({ signal }) => {
      for (let round = 0; round < 3; round++) await lastValueFrom(feeds.short('1'));
      await rejection(lastValueFrom(feeds.failing('1')));
      await firstValueFrom(feeds.endless('1'));
      await new Promise(setImmediate);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });
  });

  it('an Observable joins the lock of a call around it, and calls inside join its lock', async () => {
    const { app, feeds } = await start();
    const value = await app
      .get(LockingService)
      .execute('feed:1', async () => firstValueFrom(feeds.nestedPromise('1')), { timeout: 0 });
    expect(value).toBe('promised 1');

    const started = feeds.next();
    const { seen, end } = record(feeds.nested('1'));
    const source = await started;
    source.next(1);
    source.complete();
    await end;
    expect(seen).toEqual([1, 'complete']);
    await freed(app, 'feed:1');
  });

  it('a key that cannot be made is an error for the subscriber', async () => {
    const { feeds } = await start();
    const { seen, end } = record(feeds.watch(undefined as never));
    await end;
    expect(seen).toEqual([expect.objectContaining({ code: 'LOCK_KEY' })]);
    expect(feeds.calls).toBe(0);
  });

  it('an Observable does not run on an instance that Nest has not made', async () => {
    const feeds = new Feeds(undefined as never);
    const { seen, end } = record(feeds.watch('1'));
    await end;
    expect(isLockConfigurationError(seen[0])).toBe(true);
    expect(feeds.calls).toBe(0);
  });

  describe('when the lock is not granted', () => {
    const startHeld = async (): Promise<Feeds> => {
      const { app, feeds } = await start();
      await app.get(LockingService).acquire(['feed:1', 'feed:inner']);
      return feeds;
    };

    it.each<[string, (feeds: Feeds) => Observable<unknown>, unknown[]]>([
      ['throws', (feeds) => feeds.throwing('1'), [expect.objectContaining({ code: 'LOCK_TIMEOUT' })]],
      ['completes empty to skip', (feeds) => feeds.skipping('1'), ['complete']],
      ['takes the value of a function', (feeds) => feeds.withFallback('1'), ['LOCK_TIMEOUT 1', 'complete']],
      ['… of an asynchronous one', (feeds) => feeds.withAsyncFallback('1'), ['later', 'complete']],
      ['… of an Observable', (feeds) => feeds.withObservableFallback('1'), ['several', 'values', 'complete']],
      ['… its error', (feeds) => feeds.withThrowingFallback('1'), [failure]],
      [
        'does not skip for a lock inside',
        (feeds) => feeds.innerTimeout('2'),
        [expect.objectContaining({ code: 'LOCK_TIMEOUT', keys: ['feed:inner'] })],
      ],
    ])('%s', async (_what, call, expected) => {
      const feeds = await startHeld();
      const { seen, end } = record(call(feeds));
      await end;
      expect(seen).toEqual(expected);
      expect(feeds.calls).toBe(0);
    });
  });

  it('a subclass of Observable counts as an Observable', async () => {
    class Feed extends Observable<number> {}

    @Injectable()
    class Custom {
      @WithLock('feed')
      watch(): Feed {
        return new Feed((subscriber) => {
          subscriber.next(1);
          subscriber.complete();
        });
      }
    }
    const app = await startApp({ providers: [Custom] });
    const feed = app.get(Custom).watch();
    expect(isObservable(feed)).toBe(true);
    expect(await lastValueFrom(from(feed).pipe(toArray()))).toEqual([1]);
  });
});
