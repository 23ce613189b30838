import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { SCRIPT_SOURCES } from './scripts.generated.js';

/** The name of a script: that of its `.lua` file. */
export type ScriptName = keyof typeof SCRIPT_SOURCES;

const HASHES = Object.fromEntries(
  Object.entries(SCRIPT_SOURCES).map(([name, source]) => [name, createHash('sha1').update(source).digest('hex')]),
) as Record<ScriptName, string>;

/**
 * Runs scripts, by their hash where the server knows them.
 *
 * A call that the server refuses with `NOSCRIPT` runs again behind those that were sent after it. A script that one
 * server may not know is therefore sent as text, so that the calls of a batch run in their order even where the server
 * knows only some of their scripts. The nodes of a cluster differ in what they know, and a refusal tells only of one.
 */
export class ScriptRunner {
  /** The scripts that the server of the connection knows; another set once it has forgotten them. */
  private known = new Set<ScriptName>();

  constructor(
    private readonly explain: (error: unknown) => unknown,
    /** Told when a script runs later than it was sent. */
    private readonly onResend: () => void,
  ) {}

  /** Another server may answer from now on. */
  forget(): void {
    this.known = new Set();
  }

  // Not an async function: this is on the way of every lock, and each of them costs a promise and its turns.
  // eslint-disable-next-line @typescript-eslint/promise-function-async
  run(client: Redis | Cluster, name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const { known } = this;
    if (!known.has(name) && !client.isCluster) {
      known.add(name);
      return client.eval(SCRIPT_SOURCES[name], keys.length, ...keys, ...args).catch(this.fail);
    }
    return client.evalsha(HASHES[name], keys.length, ...keys, ...args).catch(async (error: unknown) => {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) return this.fail(error);
      // Calls that were under way meanwhile are refused as well, and tell nothing new.
      if (this.known === known) this.forget();
      this.known.add(name);
      this.onResend();
      return client.eval(SCRIPT_SOURCES[name], keys.length, ...keys, ...args).catch(this.fail);
    });
  }

  private readonly fail = (error: unknown): never => {
    throw this.explain(error);
  };
}
