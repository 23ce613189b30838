import { now } from '../../clock.js';
import type { WorkerContext } from '../context.js';
import { cycle } from './cycle.js';

/** After so many locks the compiler has seen the code often enough, however fast the machine is. */
const LOCKS = 2_000;

/** Runs the code until it is compiled, before anything is measured. */
export async function warmUp(context: WorkerContext, { ms }: { ms: number }): Promise<void> {
  const prefix = `warm-up:${String(process.pid)}`;
  await cycle(context, { prefix: `${prefix}:one`, width: 1, ms: ms / 2, count: LOCKS });
  await cycle(context, { prefix: `${prefix}:many`, width: 50, ms: ms / 4, count: 5 * LOCKS });
  const end = now() + ms / 4;
  for (let i = 0; i < LOCKS && now() < end; i++) {
    await context.contender.run(`${prefix}:run:${String(i)}`, async () => Promise.resolve());
  }
}
