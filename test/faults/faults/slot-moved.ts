import { STORE, type Fault } from './fault.js';

/** A store whose keys can move from server to server. */
export interface Sharded {
  /** Moves the slot of a key, chosen by `which`, to another server within `ms`. */
  moveSlot(key: string, which: number, ms: number): Promise<void>;
}

/** A slot moves to another server while its keys have holders and waiters. */
export function slotMoved(store: Sharded): Fault {
  return {
    kind: 'slot moved',
    plan(random, { keys }) {
      const key = random.pick(keys);
      const which = random.next();
      const ms = Math.round(random.between(0, 1000));
      return {
        claims: [STORE],
        detail: `of ${key}, in ${ms} ms`,
        async inject() {
          await store.moveSlot(key, which, ms);
          return {};
        },
      };
    },
  };
}
