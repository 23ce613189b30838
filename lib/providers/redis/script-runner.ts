import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { SCRIPT_SOURCES } from './scripts.generated.js';

/** The name of a script: that of its `.lua` file. */
export type ScriptName = keyof typeof SCRIPT_SOURCES;

const HASHES = Object.fromEntries(
  Object.entries(SCRIPT_SOURCES).map(([name, source]) => [name, createHash('sha1').update(source).digest('hex')]),
) as Record<ScriptName, string>;

/** Runs a script by its hash, and sends its text only to a server that does not know it (any more). */
export async function runScript(
  client: Redis,
  name: ScriptName,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  try {
    return await client.evalsha(HASHES[name], keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(SCRIPT_SOURCES[name], keys.length, ...keys, ...args);
  }
}
