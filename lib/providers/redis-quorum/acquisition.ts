import { setTimeout as delay } from 'node:timers/promises';
import { localDeadline } from '../../engine/runtime/drift.js';
import { StoreNotReachedError, type LeaseAnswer, type LeaseRequest } from '../../provider-api/index.js';
import { poll, reasonsIn, answersIn, type Vote } from './poll.js';
import type { QuorumNode } from './quorum-node.js';
import type { Quorum } from './quorum.js';
import { grantedTooLate, tooFewAnswered } from './redis-quorum.messages.js';
import type { Tally } from './tally.js';

/** How long the process with the first node in a tie waits for the others to cancel, in milliseconds. */
const TIE_WAITS = [2, 4, 8, 16];

/**
 * Acquires the keys of one request on a majority of the nodes, or cancels the attempt on all of them.
 *
 * @param asked - the first answer of each node
 */
export async function acquireByQuorum(
  quorum: Quorum,
  request: LeaseRequest,
  asked: PromiseLike<LeaseAnswer>[],
  since: number,
): Promise<LeaseAnswer> {
  const { nodes, tally, patience } = quorum;
  const until = since + patience.nodeTimeout;
  let latest = asked;
  let votes = await poll(nodes, latest, patience, (some) => tally.ofAcquire(some));
  for (const wait of TIE_WAITS) {
    if (!isFirstInTie(votes, tally) || performance.now() + wait >= until) break;
    await delay(wait);
    // Each time from the last answer of a node: what it has granted meanwhile has to be undone if it comes to nothing.
    const before = votes;
    latest = latest.map(async (answer, index) => {
      const [vote] = before.slice(index);
      const isRefused = vote !== undefined && 'answer' in vote && !vote.answer.granted;
      return isRefused ? (nodes[index]?.acquire([request])[0] ?? answer) : answer;
    });
    const nodeTimeout = Math.max(1, until - performance.now());
    votes = await poll(nodes, latest, { ...patience, nodeTimeout }, (some) => tally.ofAcquire(some));
  }
  const granted = tally.granted(votes, request);
  const isInTime = performance.now() < localDeadline(since, request.ttl);
  if (granted && isInTime) return granted;
  undo(votes, nodes, request);
  if (granted) throw new Error(grantedTooLate(request.ttl ?? 0));
  const refused = tally.refused(votes);
  if (refused) return refused;
  const reasons = reasonsIn(votes, nodes, patience);
  const message = tooFewAnswered(answersIn(votes).length, nodes.length, tally.quorum, reasons);
  throw votes.some(isUnknown) ? new Error(message) : new StoreNotReachedError(message);
}

/**
 * If several processes have some nodes each, and none of them enough, one goes on while the others cancel: the process
 * that has the first node of all that answer.
 */
function isFirstInTie(votes: readonly Vote<LeaseAnswer>[], tally: Tally): boolean {
  const answers = answersIn(votes);
  const granted = answers.filter((answer) => answer.granted).length;
  return answers[0]?.granted === true && !tally.isQuorum(granted) && tally.isQuorum(answers.length);
}

/** Cancels on each node that granted the request, or may have granted it. */
function undo(
  votes: readonly Vote<LeaseAnswer>[],
  nodes: readonly QuorumNode[],
  { keys, ownerId, attemptId, processId }: LeaseRequest,
): void {
  votes.forEach((vote, index) => {
    const isGranted = vote !== undefined && 'answer' in vote && vote.answer.granted;
    if (isGranted || isUnknown(vote)) nodes[index]?.owe({ keys, ownerId, attemptId, processId, pending: false });
  });
}

function isUnknown(vote: Vote<LeaseAnswer>): boolean {
  return vote === undefined || ('error' in vote && !(vote.error instanceof StoreNotReachedError));
}
