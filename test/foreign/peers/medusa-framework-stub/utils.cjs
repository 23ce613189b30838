/**
 * What `RedisLockingProvider` of @medusajs/locking-redis uses of @medusajs/framework/utils, as it is in 2.21.2. The
 * framework itself brings a web server, an ORM and an AWS client, none of which has to do with locks.
 */

/** Waits for all of them, unlike `Promise.all`, then rejects as the first that did. */
exports.promiseAll = async (promises) => {
  const states = await Promise.allSettled(promises);
  const rejected = states.find(({ status }) => status === 'rejected');
  if (rejected) throw rejected.reason;
  return states.map(({ value }) => value);
};

exports.MedusaError = class MedusaError extends Error {
  static Types = { CONFLICT: 'conflict' };

  constructor(type, message) {
    super(message);
    this.type = type;
  }
};
