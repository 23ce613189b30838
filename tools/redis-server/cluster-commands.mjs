// @ts-check
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

const answerWithinMs = 2_000;
const pollMs = 20;

/**
 * Sends one command to one node, on a connection of its own: no connection stays open to nodes that are killed.
 *
 * @param {number} port
 * @param {string} name
 * @param {(string | number)[]} args
 * @returns {Promise<unknown>}
 */
export async function command(port, name, ...args) {
  const redis = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: answerWithinMs,
    commandTimeout: answerWithinMs,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await redis.call(name, ...args);
  } finally {
    redis.disconnect();
  }
}

/**
 * @template T
 * @param {string} what
 * @param {number} withinMs
 * @param {() => Promise<T | false>} condition called again when it returns false or rejects
 * @returns {Promise<T>}
 */
export async function until(what, withinMs, condition) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    /** @type {unknown} */
    let cause;
    try {
      const answer = await condition();
      if (answer !== false) return answer;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain: ${what}`, { cause });
    await delay(pollMs);
  }
}
