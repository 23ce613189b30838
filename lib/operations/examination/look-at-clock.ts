import type { Finding } from '../../provider-api/operable-store.js';
import { clockFindings as say } from './examination.messages.js';

/** From here on there is a warning, in milliseconds. */
const SLOW = 100;
const FAR_OFF = 1000;

interface Round {
  /** How long the answer took, and how far the clock of the store is ahead, in milliseconds. */
  readonly took: number;
  readonly ahead: number;
}

/**
 * How long the store takes for an answer, and whether its clock is near that of this machine.
 *
 * @param askTime - asks the store for its time, in milliseconds since 1970
 * @param rounds - how often it is asked
 */
export async function lookAtClock(askTime: () => Promise<number>, rounds: number): Promise<Finding[]> {
  const all: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const since = performance.now();
    const there = await askTime();
    const took = performance.now() - since;
    all.push({ took, ahead: there + took / 2 - Date.now() });
  }
  all.sort((one, other) => one.took - other.took);
  const took = all[Math.floor(rounds / 2)]?.took ?? 0;
  return [took >= SLOW ? say.slow(took) : say.roundTrip(took), judge(all[0])];
}

/** The fastest round tells most about the clock: the answer was made at any moment of it. */
function judge({ took, ahead }: Round = { took: 0, ahead: NaN }): Finding {
  if (!Number.isFinite(ahead)) return say.noClock();
  return Math.abs(ahead) - took / 2 >= FAR_OFF ? say.clockOff(ahead) : say.clock();
}
