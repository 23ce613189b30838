import type { EngineSettings } from '../../lib/engine/options/engine-settings.js';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import type { ManualClock } from '../../lib/testing/index.js';
import { Channel } from './channel.js';
import { Faults } from './faults.js';
import { ProcessClock } from './process-clock.js';
import { watchedProvider, type WatchedStore } from './watched-store.js';
import type { Watcher } from './watcher.js';
import { Wire } from './wire.js';

/** Speeds of drifting clocks: within the drift that the engine allows for, and exact in binary fractions. */
const SPEEDS = [1, 127 / 128, 129 / 128];

/** The connections and clocks of the processes of a world. */
export interface Connections {
  /** Whether connections keep the order of requests, of answers, and of messages. */
  readonly ordered: boolean;
  /** Whether the store has queues and wakes waiting processes. */
  readonly listening: boolean;
  /** Whether the clocks run at different speeds. */
  readonly drifting: boolean;
}

/** One process: an engine, its clock, and its connections to the store. */
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

  /** Since when it has not been frozen, and none of its calls has failed. */
  get calmSince(): number {
    return this.frozen ? this.common.now() : Math.max(this.clock.thawedAt, this.faults.calmSince);
  }

  /** Ends the process; resolves once its connections are closed. */
  async close(): Promise<void> {
    try {
      await this.engine.close();
    } finally {
      this.wire.close();
      this.channel.close();
    }
  }
}
