import type { EngineSettings } from '../../lib/engine/engine-settings.js';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import type { ManualClock } from '../../lib/testing/index.js';
import { Channel } from './channel.js';
import { Faults } from './faults.js';
import { ProcessClock } from './process-clock.js';
import { watchedProvider, type WatchedStore } from './watched-store.js';
import type { Watcher } from './watcher.js';
import { Wire } from './wire.js';

/** How the processes of a world reach their store. */
export interface Connections {
  /** They keep the order of requests, of answers, and of messages. */
  readonly ordered: boolean;
  /** The store has lines, and wakes up who stands in them. */
  readonly listening: boolean;
}

/** One process: an engine, its clock, and what is between it and the store. */
export class Process {
  readonly faults: Faults;
  readonly clock: ProcessClock;
  readonly wire: Wire;
  readonly channel: Channel;
  readonly engine: LockEngine;

  constructor(
    number: number,
    store: WatchedStore,
    common: ManualClock,
    settings: EngineSettings,
    watcher: Watcher,
    { ordered, listening }: Connections,
  ) {
    this.clock = new ProcessClock(common);
    this.faults = new Faults(() => common.now());
    const provider = watchedProvider(number, store, watcher);
    this.wire = new Wire(number, this.clock, provider, this.faults, watcher, ordered);
    this.channel = new Channel(number, this.clock, store.lines, this.faults, watcher, ordered);
    this.engine = new LockEngine(this.wire.provider(listening ? this.channel : undefined), settings, this.clock);
  }

  /** Since when it has not been frozen, and no call of it has gone wrong. */
  get calmSince(): number {
    return this.clock.frozen ? this.clock.now() : Math.max(this.clock.thawedAt, this.faults.calmSince);
  }

  /** Ends it; resolves once it has no connections any more. */
  async close(): Promise<void> {
    try {
      await this.engine.close();
    } finally {
      this.wire.close();
      this.channel.close();
    }
  }
}
