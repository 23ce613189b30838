import { Observable, type Subscriber } from 'rxjs';
import { inNeutralContext } from '../../engine/runtime/neutral-context.js';
import type { Selection } from './snapshot.interface.js';
import type { StoreObserver } from './store-observer.js';

/** A message of server-sent events. */
export interface ViewMessage {
  /** JSON: composed once for all viewers of the same. */
  readonly data: string;
  /** `renew`: the stream ends, for the page to ask again. */
  readonly type?: 'renew';
}

/** What viewers share. */
export interface ViewSource {
  observer(provider: string): StoreObserver;
  /** JSON of what is to be told. */
  compose(selection: Selection): string;
}

/** One open page. */
interface Viewer {
  readonly selection: Selection;
  readonly line: ViewerLine;
}

/** The connection to a page. */
export interface ViewerLine {
  /** Whether the last message has not left yet: the page does not read, or slowly. */
  readonly isBehind: boolean;
  /** Ends it, with all that has not left. */
  drop(): void;
}

interface ViewersOptions {
  readonly interval: number;
  readonly recheck: number;
  readonly maxViewers: number;
}

/** After a look, the store is left alone for at least so many times as long as the look took. */
const REST = 4;

/** How many messages are kept at most: pages that are opened and left between two looks do not add up. */
const MOST_COMPOSED = 100;

/** The open pages. While there are any, each store that they show is looked at once an interval, however many they are. */
export class Viewers {
  private readonly viewers = new Map<Subscriber<ViewMessage>, Viewer>();
  private readonly loops = new Map<string, NodeJS.Timeout | undefined>();
  /** The messages that were composed since the last look, by their subject. */
  private readonly composed = new Map<string, string>();
  private isClosed = false;

  constructor(
    private readonly source: ViewSource,
    private readonly options: ViewersOptions,
  ) {}

  get isFull(): boolean {
    return this.viewers.size >= this.options.maxViewers || this.isClosed;
  }

  /** The messages for one page; the first at once. */
  watch(selection: Selection, line: ViewerLine): Observable<ViewMessage> {
    return new Observable((subscriber) => {
      if (this.isFull) {
        subscriber.complete();
        return undefined;
      }
      this.viewers.set(subscriber, { selection, line });
      // The loop and the timer serve others as well, or outlive the request: they belong to none.
      const timer = inNeutralContext(() => {
        void this.begin(selection, subscriber);
        return setTimeout(() => {
          this.end(subscriber);
        }, this.options.recheck).unref();
      });
      return () => {
        clearTimeout(timer);
        this.viewers.delete(subscriber);
      };
    });
  }

  /** Ends all messages, for good. */
  close(): void {
    this.isClosed = true;
    for (const [provider, timer] of this.loops) {
      clearTimeout(timer);
      this.source.observer(provider).stop();
    }
    this.loops.clear();
    for (const subscriber of [...this.viewers.keys()]) subscriber.complete();
  }

  /** The page asks again, and so passes the guards again. */
  private end(subscriber: Subscriber<ViewMessage>): void {
    const viewer = this.viewers.get(subscriber);
    if (!viewer) return;
    this.viewers.delete(subscriber);
    // One that does not read would stay open, and count no more.
    if (viewer.line.isBehind) viewer.line.drop();
    else subscriber.next({ type: 'renew', data: '{}' });
    subscriber.complete();
  }

  private async begin(selection: Selection, subscriber: Subscriber<ViewMessage>): Promise<void> {
    const { provider } = selection;
    if (this.loops.has(provider)) {
      subscriber.next(this.tell(selection));
      return;
    }
    this.loops.set(provider, undefined);
    this.source.observer(provider).start();
    await this.turn(provider);
  }

  private async turn(provider: string): Promise<void> {
    const since = performance.now();
    const observer = this.source.observer(provider);
    await observer.look();
    this.composed.clear();
    for (const [subscriber, { selection, line }] of this.viewers) {
      // What does not read is told the newest later on, instead of all of it.
      if (selection.provider === provider && !line.isBehind) subscriber.next(this.tell(selection));
    }
    const isWatched = [...this.viewers.values()].some(({ selection }) => selection.provider === provider);
    if (!isWatched || this.isClosed) {
      this.loops.delete(provider);
      observer.stop();
      return;
    }
    const rest = Math.max(this.options.interval, REST * (performance.now() - since));
    const timer = setTimeout(() => {
      void this.turn(provider);
    }, rest);
    timer.unref();
    this.loops.set(provider, timer);
  }

  private tell(selection: Selection): ViewMessage {
    const name = JSON.stringify([selection.provider, selection.search, selection.key]);
    let data = this.composed.get(name);
    if (data === undefined) {
      if (this.composed.size >= MOST_COMPOSED) this.composed.clear();
      this.composed.set(name, (data = this.source.compose(selection)));
    }
    return { data };
  }
}
