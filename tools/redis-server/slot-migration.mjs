// @ts-check
import { command } from './cluster-commands.mjs';

const keysAtOnce = 100;
const moveWithinMs = 5_000;

/** @typedef {import('./index.mjs').RedisClusterNode} Node */

/**
 * From here on the slot is between two nodes: the source serves the keys that it still has, and redirects clients to
 * the target by ASK for the rest.
 *
 * @param {readonly Node[]} nodes
 * @param {number} slot
 * @param {Node} from
 * @param {Node} to
 * @returns {Promise<import('./index.mjs').SlotMigration>}
 */
export async function beginSlotMigration(nodes, slot, from, to) {
  await command(to.port, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
  await command(from.port, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
  return {
    slot,
    from,
    to,
    async moveKeys(limit = Infinity) {
      let moved = 0;
      while (moved < limit) {
        const count = Math.min(keysAtOnce, limit - moved);
        const keys = /** @type {string[]} */ (await command(from.port, 'CLUSTER', 'GETKEYSINSLOT', slot, count));
        if (keys.length === 0) break;
        await command(from.port, 'MIGRATE', to.host, to.port, '', 0, moveWithinMs, 'REPLACE', 'KEYS', ...keys);
        moved += keys.length;
      }
      return moved;
    },
    async finish() {
      // The target first: otherwise no node would own the slot for a moment. Other nodes hear of it by gossip; telling
      // the masters spares the wait.
      await command(to.port, 'CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
      await command(from.port, 'CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
      const others = nodes.filter((node) => node !== from && node !== to);
      await Promise.allSettled(others.map(({ port }) => command(port, 'CLUSTER', 'SETSLOT', slot, 'NODE', to.id)));
    },
  };
}
