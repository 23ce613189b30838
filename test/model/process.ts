import type { EngineSettings } from '../../lib/engine/options/engine-settings.js';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import type { ManualClock } from '../../lib/testing/index.js';
import { Channel } from './channel.js';
import { Faults } from './faults.js';
import { ProcessClock } from './process-clock.js';
import { watchedProvider, type WatchedStore } from './watched-store.js';
import type { Watcher } from './watcher.js';
import { Wire } from './wire.js';

/** How fast the clocks of the processes run that drift: less far than is allowed for, and in fractions without rest. */
const SPEEDS = [1, 127 / 128, 129 / 128];

/** How the processes of a world reach their store, and what they go by. */
export interface Connections {
  /** They keep the order of requests, of answers, and of messages. */
  readonly ordered: boolean;
  /** The store has lines, and wakes up who stands in them. */
  readonly listening: boolean;
  /** Their clocks run at different speeds. */
  readonly drifting: boolean;
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
    private readonly common: ManualClock,
    settings: EngineSettings,
    watcher: Watcher,
    { ordered, listening, drifting }: Connections,
  ) {
    this.clock = new ProcessClock(common, drifting ? (SPEEDS[number] ?? 1) : 1);
    this.faults = new Faults(() => common.now());
    const provider = watchedProvider(number, store, watcher);
    this.wire = new Wire(number, this.clock, provider, this.faults, watcher, ordered);
    this.channel = new Channel(number, this.clock, store.queues, this.faults, watcher, ordered);
    this.engine = new LockEngine(this.wire.provider(listening ? this.channel : undefined), settings, this.clock);
  }

  get frozen(): boolean {
    return this.clock.frozen;
  }

  /** Since when it has not been frozen, and no call of it has gone wrong. */
  get calmSince(): number {
    return this.frozen ? this.common.now() : Math.max(this.clock.thawedAt, this.faults.calmSince);
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
