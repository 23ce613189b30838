import type { Cleanup } from './environment.js';
import { Interruption, interruption } from './interruption.js';
import { messageOf } from './message-of.js';

/**
 * Runs a demo, ends what it has started, the latest first, and ends this process: with 0 if the demo resolved with true.
 *
 * @param demo - is given a function that notes how to end what it starts
 */
export async function runDemo(demo: (atTheEnd: Cleanup) => Promise<boolean>): Promise<never> {
  const closers: (() => Promise<void>)[] = [];
  let exitCode: number;
  try {
    exitCode = (await Promise.race([demo((close) => closers.push(close)), interruption()])) ? 0 : 1;
  } catch (error) {
    console.error(`The demo ended early: ${messageOf(error)}`);
    exitCode = error instanceof Interruption ? error.exitCode : 1;
  }
  for (const close of closers.reverse()) await close();
  // Instances or a server that were just starting notice the end of this process, and end too.
  process.exit(exitCode);
}
