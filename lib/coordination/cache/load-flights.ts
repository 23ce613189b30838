import { AsyncLocalStorage } from 'node:async_hooks';
import type { ThrottledLog } from '../../logging/throttled-log.js';
import type { CacheLocks } from './cache-locks.js';
import { refreshFailed } from './cache.messages.js';
import { KeyPauses } from './key-pauses.js';
import type { Loaded, LoadRequest, ValueLoader } from './value-loader.js';

/**
 * After a load in the background has failed, its value was not kept, or another process was at it, none of the same key begins for so many
 * milliseconds. Without the pause every request would ask for the lock.
 */
const REFRESH_PAUSE = 1000;

/** A load that this process waits for, or has under way. */
interface Flight {
  readonly result: Promise<Loaded | undefined>;
}

/** A load in the running call chain. */
interface Frame {
  readonly owner: LoadFlights;
  readonly key: string;
  readonly outer: Frame | undefined;
  hasEnded: boolean;
}

const loading = new AsyncLocalStorage<Frame | undefined>();

/** The loads of this process: one at a time and key, for all callers. */
export class LoadFlights {
  private readonly flights = new Map<string, Flight>();
  private readonly pauses = new KeyPauses(REFRESH_PAUSE);

  constructor(
    private readonly loader: ValueLoader,
    private readonly locks: CacheLocks,
    private readonly log: ThrottledLog,
  ) {}

  /** Whether the load of this key is what calls: it would wait for itself. */
  isInside(key: string): boolean {
    for (let frame = loading.getStore(); frame; frame = frame.outer) {
      if (frame.owner === this && frame.key === key && !frame.hasEnded) return true;
    }
    return false;
  }

  /** Loads the value, or shares the load that is under way. */
  async join(request: LoadRequest): Promise<unknown> {
    for (;;) {
      const flight =
        this.flights.get(request.key) ??
        this.start(request, async (inner, onRevoked) => this.loader.load(inner, onRevoked));
      const loaded = await flight.result;
      // A refresh has left the key to another process, and the value is needed now.
      if (loaded) return loaded.value;
    }
  }

  /** Loads the value in the background, unless that is under way, or has just failed. */
  refresh(request: LoadRequest): void {
    const { key } = request;
    if (this.flights.has(key) || this.pauses.has(key)) return;
    const flight = this.locks.detached(() =>
      this.start(request, async (inner, onRevoked) => this.loader.refresh(inner, onRevoked)),
    );
    flight.result.then(
      (loaded) => {
        if (!loaded?.isKept) this.pauses.begin(key);
      },
      (error: unknown) => {
        this.pauses.begin(key);
        this.log.add(refreshFailed(key, error));
      },
    );
  }

  /** The next caller starts a load of its own: that which is under way may be older than the last change of the key. */
  forget(key: string): void {
    this.flights.delete(key);
    this.pauses.end(key);
  }

  /** As {@link forget}, for every key. */
  forgetAll(): void {
    this.flights.clear();
    this.pauses.endAll();
  }

  private start(
    request: LoadRequest,
    work: (request: LoadRequest, onRevoked: () => void) => Promise<Loaded | undefined>,
  ): Flight {
    const { key, load } = request;
    const frame: Frame = { owner: this, key, outer: loading.getStore(), hasEnded: false };
    const detach = (): void => {
      if (this.flights.get(key) === flight) this.flights.delete(key);
    };
    const framed: LoadRequest = { ...request, load: (context) => loading.run(frame, () => load(context)) };
    const run = async (): Promise<Loaded | undefined> => {
      try {
        return await work(framed, detach);
      } finally {
        frame.hasEnded = true;
        detach();
      }
    };
    // Entered before anything runs, so that a load which calls back at once finds it.
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const flight: Flight = { result: begun.then(run) };
    this.flights.set(key, flight);
    begin();
    return flight;
  }
}
