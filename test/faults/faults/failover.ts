import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import type { FaultRecord } from '../history/records.js';
import { STORE, type Fault } from './fault.js';

/** A store whose primary can be replaced by a replica. */
export interface Replicated {
  /** Crashes the primary that is concerned; resolves with the means to bring it back. */
  killPrimary(which: number): Promise<Outage>;
  /** Freezes the primary. */
  freezePrimary(which: number): Promise<Outage>;
  /** Makes a replica take over; resolves once it has. */
  failOver(which: number): Promise<void>;
  /** Crashes a replica. */
  killReplica(which: number): Promise<Outage>;
  /** Resolves once all servers follow the primary again. */
  settled(): Promise<void>;
}

export interface Outage {
  /** Resolves once there is another primary. */
  elected(): Promise<void>;
  /** Brings the server back. */
  end(): Promise<void>;
}

/**
 * Where replication is asynchronous, grants and renewals of a primary shortly before it is replaced may not have reached the
 * replica. In milliseconds; a replica on the same machine is never behind for longer.
 */
const REPLICATION = 1000;

/**
 * Faults of a store with replicas.
 *
 * @param losesNothing - whether replication is synchronous
 * @param cutsOff - whether no client reaches the former primary any more, once there is another
 */
export function failovers(store: Replicated, { losesNothing = false, cutsOff = false } = {}): Fault[] {
  const loss = (since: number, until: number): Partial<FaultRecord> =>
    losesNothing ? {} : { loses: { since: since - REPLICATION, until } };
  return [
    fault('planned failover', async (which) => {
      const from = now();
      await store.failOver(which);
      const elected = now();
      // Until it follows the new primary, the former one serves clients that have not heard of the change.
      await store.settled();
      return { from, elected, ...loss(from, cutsOff ? elected : now()) };
    }),
    fault('primary killed', async (which) => {
      const from = now();
      const outage = await store.killPrimary(which);
      const until = now();
      await outage.elected();
      const elected = now();
      await outage.end();
      await store.settled();
      return { from, elected, ...loss(from, until) };
    }),
    fault('primary frozen until replaced', async (which) => {
      const from = now();
      const outage = await store.freezePrimary(which);
      await outage.elected();
      const elected = now();
      await delay(200);
      await outage.end();
      // When it goes on, it takes itself for the primary until it hears of the new one.
      await store.settled();
      return { from, elected, ...loss(from, cutsOff ? elected : now()) };
    }),
    fault('replica killed', async (which) => {
      const outage = await store.killReplica(which);
      await delay(500);
      await outage.end();
      await store.settled();
      return {};
    }),
  ];
}

function fault(kind: string, inject: (which: number) => Promise<Partial<FaultRecord>>): Fault {
  return {
    kind,
    plan(random) {
      const which = random.next();
      return { claims: [STORE], detail: '', inject: async () => inject(which) };
    },
  };
}
