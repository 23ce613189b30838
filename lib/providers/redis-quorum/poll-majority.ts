import { answersIn, poll, reasonsIn, type Verdict, type Vote } from './poll.js';
import type { Quorum } from './quorum.js';
import { tooFewAnswered } from './redis-quorum.messages.js';

/** Asks until `isDecided`, or until no further node answers. Rejects without answers from a majority. */
export async function pollMajority<Answer>(
  quorum: Quorum,
  asked: readonly PromiseLike<Answer>[],
  isDecided: (votes: readonly Vote<Answer>[]) => boolean,
  decided: Verdict = 'decided',
): Promise<readonly Vote<Answer>[]> {
  const { nodes, patience, tally } = quorum;
  const votes = await poll(nodes, asked, patience, (some) => (isDecided(some) ? decided : 'open'));
  if (!tally.isQuorum(answersIn(votes).length)) throw tooFew(quorum, votes);
  return votes;
}

export function tooFew({ nodes, patience, tally }: Quorum, votes: readonly Vote<unknown>[]): Error {
  const reasons = reasonsIn(votes, nodes, patience);
  return new Error(tooFewAnswered(answersIn(votes).length, nodes.length, tally.quorum, reasons));
}
