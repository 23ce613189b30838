import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import type { ChaosProxy } from '../proxy/chaos-proxy.js';
import type { Link } from '../proxy/link.js';
import { LONGEST_DARK } from '../rules/promises.js';
import { ofWorker, type Fault } from './fault.js';

/** In milliseconds: a connection that is kept for longer is cut, so that the run goes on. */
const LIMIT = 2 * LONGEST_DARK;
const LONGEST_IDLE = 3000;

/**
 * The connections of a worker to one server go dark, as behind a firewall that has forgotten them: nothing arrives on
 * them any more, and nothing closes them. New connections work. The fault is over when the worker has replaced them.
 *
 * @param proxiesOf - the proxies before the servers, by worker; none for a worker with direct connections
 */
export function connectionDark(proxiesOf: readonly (readonly ChaosProxy[])[]): Fault {
  const victims = proxiesOf.flatMap((proxies, index) => (proxies.length > 0 ? [index] : []));
  return {
    kind: 'connections dark',
    plan(random, { crew }) {
      const index = random.pick(victims);
      const proxies = proxiesOf[index] ?? [];
      const server = Math.floor(random.next() * proxies.length);
      return {
        claims: [ofWorker(index)],
        detail: `worker ${index}, server ${server}`,
        async inject() {
          const { links } = proxies[server]!;
          const dark = [...links];
          for (const { toServer, toClient } of dark) toServer.muted = toClient.muted = true;
          const took = await Promise.all(dark.map(async (link) => untilReplaced(link, links)));
          return { victims: [crew.nameOf(index)], dark: Math.max(0, ...took) };
        },
      };
    },
  };
}

/** Resolves with how long `link` was kept after its first loss. */
async function untilReplaced(link: Link, links: ReadonlySet<Link>): Promise<number> {
  const began = now();
  let lostAt: number | undefined;
  while (links.has(link) && now() < (lostAt ?? began) + LIMIT) {
    lostAt ??= link.toServer.lostAt ?? link.toClient.lostAt;
    // A connection without traffic cannot be known to be dark.
    if (lostAt === undefined && now() > began + LONGEST_IDLE) break;
    await delay(20);
  }
  link.cut();
  return lostAt === undefined ? 0 : now() - lostAt;
}
