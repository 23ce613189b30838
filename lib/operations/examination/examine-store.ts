import type { LockEngine } from '../../engine/lock-engine.js';
import { inNeutralContext } from '../../engine/runtime/neutral-context.js';
import { isOperable, type Finding, type OperableStore } from '../../provider-api/operable-store.js';
import { lookAtClock } from './look-at-clock.js';

/** How often the store is asked for the time in one look. */
const ROUNDS = 2;

/** What the last look at a store has found, and the look that is under way: those at a store that hangs must not pile up. */
interface Examination {
  /** When the last look ended, by `performance.now()`. */
  at: number;
  findings?: readonly Finding[];
  underWay?: Promise<void> | undefined;
}

const examinations = new WeakMap<LockEngine, Examination>();

/**
 * What endangers the locks of a running application, apart from a store that does not answer. All callers share a look that
 * is not older than `maxAge` milliseconds.
 *
 * @returns nothing where the store cannot be asked, or has not answered within `timeout` milliseconds
 */
export async function examineStore(
  engine: LockEngine,
  timeout: number,
  maxAge: number,
): Promise<readonly Finding[] | undefined> {
  const { provider } = engine;
  if (!isOperable(provider)) return undefined;
  const examination = examinations.get(engine) ?? { at: -Infinity };
  examinations.set(engine, examination);
  if (performance.now() - examination.at < maxAge) return examination.findings;
  examination.underWay ??= inNeutralContext(async () => look(engine, provider, examination));
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, timeout, 'late');
  });
  try {
    if ((await Promise.race([examination.underWay, silence])) === 'late') return undefined;
    return examination.findings;
  } finally {
    clearTimeout(timer);
  }
}

/** Never rejects: a look that failed is made again by the next caller. */
async function look(engine: LockEngine, store: OperableStore, examination: Examination): Promise<void> {
  try {
    const server = await engine.ask('examine', [], async () => store.examine('health'));
    const clock = await lookAtClock(async () => engine.ask('inspect', [], async () => store.now()), ROUNDS);
    examination.findings = [...server, ...clock].filter(({ health }) => health !== undefined);
    examination.at = performance.now();
  } catch {
    delete examination.findings;
    examination.at = -Infinity;
  } finally {
    examination.underWay = undefined;
  }
}
