import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosProxy } from '../proxy/chaos-proxy.js';
import { ofWorker, STORE, type Fault } from './fault.js';

/** Disturbs the proxy of one worker, or all of them, for `ms`. */
interface Trouble {
  readonly kind: string;
  readonly shortest: number;
  readonly longest: number;
  readonly act: (proxy: ChaosProxy, ms: number, share: number) => Promise<void>;
}

/** For how many milliseconds bytes are gathered before their senders are cut off. */
const GATHER = 30;

const TROUBLES: readonly Trouble[] = [
  {
    // Both ways, and not constant.
    kind: 'connections delayed',
    shortest: 300,
    longest: 2500,
    async act(proxy, ms, share) {
      proxy.each((link) => {
        link.toServer.delay = share * 150;
        link.toClient.delay = (1 - share) * 150;
      });
      await delay(ms);
      proxy.each((link) => {
        link.toServer.delay = 0;
        link.toClient.delay = 0;
      });
    },
  },
  {
    kind: 'connections cut',
    shortest: 0,
    longest: 1500,
    async act(proxy, ms) {
      proxy.refuses = true;
      proxy.cutAll();
      await delay(ms);
      proxy.refuses = false;
    },
  },
  {
    // The proxy accepts and answers nothing; in the end the kept bytes go on, or the connection breaks.
    kind: 'connections half open',
    shortest: 300,
    longest: 2500,
    async act(proxy, ms, share) {
      hold(proxy, true);
      await delay(ms);
      if (share < 0.5) proxy.cutAll();
      hold(proxy, false);
    },
  },
  {
    // The commands run, and their answers are lost.
    kind: 'answers dropped',
    shortest: 20,
    longest: 1500,
    async act(proxy, ms) {
      proxy.each((link) => {
        link.toClient.muted = true;
      });
      await delay(ms);
      delete proxy.onLink;
      proxy.cutAll();
    },
  },
  {
    // The commands arrive long after their client has gone.
    kind: 'commands delivered late',
    shortest: 100,
    longest: 3000,
    async act(proxy, ms) {
      const links = [...proxy.links];
      for (const link of links) link.toServer.held = true;
      await delay(GATHER);
      for (const link of links) link.part();
      await delay(ms);
      for (const link of links) {
        link.toServer.held = false;
        link.toServer.pump();
      }
      await delay(GATHER);
      for (const link of links) link.cut();
    },
  },
];

/** Faults of the connections between workers and their store. */
export function proxyFaults(proxies: readonly ChaosProxy[]): Fault[] {
  return TROUBLES.map(({ kind, shortest, longest, act }) => ({
    kind,
    plan(random, { crew }) {
      const everybody = random.chance(0.3);
      const index = crew.draw(random);
      const ms = Math.round(random.between(shortest, longest));
      const share = random.next();
      const affected = everybody ? proxies : [proxies[index]!];
      return {
        claims: everybody ? [STORE, ...proxies.map((_, i) => ofWorker(i))] : [ofWorker(index)],
        detail: `${everybody ? 'all' : `worker ${index}`}, ${ms} ms`,
        async inject() {
          const victims = everybody ? undefined : [crew.nameOf(index)];
          await Promise.all(affected.map(async (proxy) => act(proxy, ms, share)));
          return victims ? { victims } : {};
        },
      };
    },
  }));
}

function hold(proxy: ChaosProxy, held: boolean): void {
  proxy.each((link) => {
    for (const lane of [link.toServer, link.toClient]) {
      lane.held = held;
      lane.pump();
    }
  });
}
