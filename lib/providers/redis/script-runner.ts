import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { SCRIPT_SOURCES } from './scripts.generated.js';

/** The name of a script: that of its `.lua` file. */
export type ScriptName = keyof typeof SCRIPT_SOURCES;

const HASHES = Object.fromEntries(
  Object.entries(SCRIPT_SOURCES).map(([name, source]) => [name, createHash('sha1').update(source).digest('hex')]),
) as Record<ScriptName, string>;

/** Runs a script by its hash, and sends its text only to a server that does not know it (any more). */
// Not an async function: this is on the way of every lock, and each of them costs a promise and its turns.
// eslint-disable-next-line @typescript-eslint/promise-function-async
export function runScript(
  client: Redis | Cluster,
  name: ScriptName,
  keys: readonly string[],
  args: readonly string[],
  explain: (error: unknown) => unknown,
  onResend?: () => void,
): Promise<unknown> {
  return client.evalsha(HASHES[name], keys.length, ...keys, ...args).then(undefined, async (error: unknown) => {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw explain(error);
    onResend?.();
    try {
      return await client.eval(SCRIPT_SOURCES[name], keys.length, ...keys, ...args);
    } catch (failure) {
      throw explain(failure);
    }
  });
}
