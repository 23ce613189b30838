// @ts-check
// The part of `@medusajs/framework/utils` that the lock provider of Medusa uses, doing the same as the original in
// 2.21.2. The original depends on hundreds of packages (a web server, an ORM, an AWS client) that have nothing to do
// with locks.

/**
 * @template T
 * @param {Promise<T>[]} promises
 */
export async function promiseAll(promises) {
  const states = await Promise.allSettled(promises);
  return states.map((state) => {
    if (state.status === 'rejected') throw state.reason;
    return state.value;
  });
}

export class MedusaError extends Error {
  static Types = { CONFLICT: 'conflict' };

  /**
   * @param {string} type
   * @param {string} message
   */
  constructor(type, message) {
    super(message);
    this.type = type;
    this.date = new Date();
  }
}

/** The service of a model: of it, the provider for PostgreSQL uses its constructor. */
export function MedusaService() {
  return class {};
}

/** A model, with which that provider only makes its service. */
export const model = {
  define: () => ({}),
  text: () => column,
  id: () => column,
  dateTime: () => column,
};

const column = { nullable: () => column, primaryKey: () => column };

/** @param {unknown} value */
export function isDefined(value) {
  return value !== undefined && value !== null;
}
