import { Observable, type Subscriber } from 'rxjs';
import { inNeutralContext } from '../../engine/runtime/neutral-context.js';
import type { Selection, Snapshot } from './snapshot.interface.js';
import type { StoreObserver } from './store-observer.js';

/** A message of server-sent events. */
export interface ViewMessage {
  readonly data: Snapshot;
}

/** What viewers share. */
export interface ViewSource {
  observer(provider: string): StoreObserver;
  compose(selection: Selection): Snapshot;
}

/** After a look, the store is left alone for at least so many times as long as the look took. */
const REST = 4;

/** The open pages. While there are any, each store that they show is looked at once an interval, however many they are. */
export class Viewers {
  private readonly viewers = new Map<Subscriber<ViewMessage>, Selection>();
  private readonly loops = new Map<string, NodeJS.Timeout | undefined>();
  private isClosed = false;

  constructor(
    private readonly source: ViewSource,
    private readonly interval: number,
    private readonly most: number,
  ) {}

  get isFull(): boolean {
    return this.viewers.size >= this.most || this.isClosed;
  }

  get size(): number {
    return this.viewers.size;
  }

  /** The messages for one page; the first at once. */
  watch(selection: Selection): Observable<ViewMessage> {
    return new Observable((viewer) => {
      if (this.isFull) {
        viewer.complete();
        return undefined;
      }
      this.viewers.set(viewer, selection);
      // The loop serves others as well: it belongs to no request.
      inNeutralContext(() => {
        void this.begin(selection.provider, viewer);
      });
      return () => {
        this.viewers.delete(viewer);
      };
    });
  }

  /** Ends all messages, for good. */
  close(): void {
    this.isClosed = true;
    for (const timer of this.loops.values()) clearTimeout(timer);
    this.loops.clear();
    for (const viewer of [...this.viewers.keys()]) viewer.complete();
  }

  private async begin(provider: string, viewer: Subscriber<ViewMessage>): Promise<void> {
    if (this.loops.has(provider)) {
      const selection = this.viewers.get(viewer);
      if (selection) viewer.next({ data: this.source.compose(selection) });
      return;
    }
    this.loops.set(provider, undefined);
    await this.turn(provider);
  }

  private async turn(provider: string): Promise<void> {
    const since = performance.now();
    await this.source.observer(provider).look();
    for (const [viewer, selection] of this.viewers) {
      if (selection.provider === provider) viewer.next({ data: this.source.compose(selection) });
    }
    const isWatched = [...this.viewers.values()].some((selection) => selection.provider === provider);
    if (!isWatched || this.isClosed) {
      this.loops.delete(provider);
      return;
    }
    const rest = Math.max(this.interval, REST * (performance.now() - since));
    const timer = setTimeout(() => {
      void this.turn(provider);
    }, rest);
    timer.unref();
    this.loops.set(provider, timer);
  }
}
