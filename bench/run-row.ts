import { now } from './clock.js';
import type { Participant } from './contenders/participants.js';
import type { Row, Stage } from './rows/row.js';
import type { Round, Sample } from './rows/sample.js';

export interface Measured {
  readonly row: Row;
  /** The contenders whose slices are in the rounds. */
  readonly participants: readonly Participant[];
  readonly rounds: readonly Round[];
  readonly seconds: number;
  /** Messages about what failed. */
  readonly failures: readonly string[];
}

/**
 * Every contender takes its slice in turn, and then again, each time in another order: the speed of a machine drifts,
 * so that only what was measured within one round can be compared.
 */
export async function runRow(row: Row, stage: Stage, everybody: readonly Participant[]): Promise<Measured> {
  const participants = everybody.filter((participant) => row.takesPart(participant));
  const begun = now();
  const rounds: Round[] = [];
  const failures: string[] = [];
  const count = stage.plan.choose(row.rounds.full, row.rounds.quick);
  for (let number = 0; number < count; number++) {
    const round = new Map<string, Sample>();
    for (const participant of rotated(participants, number)) {
      try {
        round.set(participant.name, await row.measure(stage, participant));
      } catch (error) {
        stage.interrupted.throwIfAborted();
        failures.push(`${participant.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    rounds.push(round);
  }
  return { row, participants, rounds, seconds: (now() - begun) / 1000, failures };
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const first = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
