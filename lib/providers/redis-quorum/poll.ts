import { afterReading } from './after-reading.js';
import type { QuorumNode } from './quorum-node.js';
import { noAnswerYet } from './redis-quorum.messages.js';

/** What one node has said; `undefined` is nothing yet. */
export type Vote<Answer> = { readonly answer: Answer } | { readonly error: unknown } | undefined;

/** Whether the votes so far tell the outcome. `rather-all`: they do, but those of prompt nodes are worth a moment. */
export type Verdict = 'open' | 'rather-all' | 'decided';

/** How long a call waits for nodes. */
export interface Patience {
  /** For those without which there is no outcome, in milliseconds. */
  readonly nodeTimeout: number;
  /** For those that are usually prompt, although the outcome is known. */
  readonly grace: number;
}

/**
 * Resolves with the votes as soon as `judge` can tell the outcome from them, when all nodes have voted, or when the
 * time is over. Never rejects, and never waits for a node that is known to hang.
 */
export async function poll<Answer>(
  nodes: readonly QuorumNode[],
  asked: readonly PromiseLike<Answer>[],
  { nodeTimeout, grace }: Patience,
  judge: (votes: readonly Vote<Answer>[]) => Verdict,
): Promise<readonly Vote<Answer>[]> {
  const votes: Vote<Answer>[] = nodes.map(() => undefined);
  const since = performance.now();
  let left = nodes.length;
  let isPatient = true;
  let isOver = false;
  let graceTimer: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    const finish = (): void => {
      isOver = true;
      clearTimeout(timer);
      clearTimeout(graceTimer);
      resolve([...votes]);
    };
    const look = (): void => {
      if (isOver) return;
      const verdict = left === 0 ? 'decided' : judge(votes);
      if (verdict === 'open') return;
      const isAwaited = (node: QuorumNode, index: number): boolean =>
        votes[index] === undefined && node.silence.isPrompt(grace);
      if (verdict === 'decided' || !isPatient || !nodes.some(isAwaited)) {
        finish();
        return;
      }
      graceTimer ??= setTimeout(
        () => {
          afterReading(() => {
            isPatient = false;
            look();
          });
        },
        Math.max(0, since + grace - performance.now()),
      );
    };
    const timer = setTimeout(() => {
      afterReading(() => {
        nodes.forEach((node, index) => {
          if (votes[index] === undefined) node.silence.note();
        });
        finish();
      });
    }, nodeTimeout);
    const note = (index: number, vote: Vote<Answer>): void => {
      votes[index] = vote;
      left -= 1;
      look();
    };
    asked.forEach((answer, index) => {
      answer.then(
        (value) => {
          note(index, { answer: value });
        },
        (error: unknown) => {
          note(index, { error });
        },
      );
    });
  });
}

export function answersIn<Answer>(votes: readonly Vote<Answer>[]): Answer[] {
  return votes.flatMap((vote) => (vote && 'answer' in vote ? [vote.answer] : []));
}

/** Why the others gave none, with their names. */
export function reasonsIn(
  votes: readonly Vote<unknown>[],
  nodes: readonly QuorumNode[],
  { nodeTimeout }: Patience,
): string[] {
  return votes.flatMap((vote, index) => {
    if (vote && 'answer' in vote) return [];
    return [nodes[index]?.describe(vote ? vote.error : new Error(noAnswerYet(nodeTimeout))) ?? ''];
  });
}
