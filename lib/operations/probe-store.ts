import type { LockEngine } from '../engine/lock-engine.js';
import { inNeutralContext } from '../engine/runtime/neutral-context.js';
import { isLockBackendError } from '../errors/index.js';

/** A key that no caller can lock: the store is asked for its holder, and answers that there is none. */
const PROBED_KEY = 'nestjs-locking:probe';

/** Whether a store answers. */
export interface StoreState {
  readonly reachable: boolean;
  /** How long the answer took, or was waited for, in milliseconds. */
  readonly milliseconds: number;
  /** Why not. Nothing in it tells where the store is: `no answer`, or the code of an error such as `ECONNREFUSED`. */
  readonly reason?: string;
}

/** One question at a time for each store: those to a store that hangs must not pile up. */
const asked = new WeakMap<LockEngine, Promise<StoreState>>();

/** Asks the store of `engine` something small. Resolves within `timeout` milliseconds, whatever the store does. */
export async function probeStore(engine: LockEngine, timeout: number): Promise<StoreState> {
  const since = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<StoreState>((resolve) => {
    timer = setTimeout(() => {
      resolve({ reachable: false, milliseconds: elapsed(since), reason: 'no answer' });
    }, timeout);
  });
  try {
    return await Promise.race([askOnce(engine), silence]);
  } finally {
    clearTimeout(timer);
  }
}

async function askOnce(engine: LockEngine): Promise<StoreState> {
  const under = asked.get(engine);
  if (under) return under;
  const answer = inNeutralContext(async () => ask(engine)).finally(() => asked.delete(engine));
  asked.set(engine, answer);
  return answer;
}

async function ask(engine: LockEngine): Promise<StoreState> {
  const since = performance.now();
  try {
    await engine.overview.inspect(PROBED_KEY);
    return { reachable: true, milliseconds: elapsed(since) };
  } catch (error) {
    return { reachable: false, milliseconds: elapsed(since), reason: reasonOf(error) };
  }
}

const elapsed = (since: number): number => Math.round(performance.now() - since);

/** The code of the innermost error that has one: messages of clients name hosts and users. */
function reasonOf(error: unknown): string {
  if (isLockBackendError(error) && error.reason === 'shutdown') return 'shutdown';
  let code = 'failed';
  for (let at: unknown = isLockBackendError(error) ? error.cause : error; at instanceof Error; at = at.cause) {
    const { code: own } = at as { code?: unknown };
    if (typeof own === 'string' && /^[A-Z0-9_]{2,40}$/.test(own)) code = own;
    else if (/^[A-Z]{4,20} /.test(at.message)) code = at.message.slice(0, at.message.indexOf(' '));
  }
  return code;
}
