import { Reply } from '../../provider-api/index.js';
import { malformedReply } from './redis-errors.js';
import type { ScriptName } from './script-runner.js';

/** As many requests as one script call serves at most: longer ones would hold up everybody else. */
export const LARGEST_BATCH = 200;

/** The same for locks and releases: the server works on one call while this process makes, or reads, the next. */
export const PIPELINED_BATCH = 50;

/** Which requests go together. */
export interface Batching<Request> {
  /** How many requests one call serves at most. */
  readonly most: number;
  readonly alike: (one: Request, other: Request) => boolean;
  readonly slotOf: (request: Request) => number;
}

/** One call of a script for several requests. */
export interface ScriptCall<Answer> {
  readonly name: ScriptName;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** The answer to each request, or an Error for one that could not be carried out. */
  readonly read: (reply: readonly unknown[]) => readonly (Answer | Error)[];
}

/** Sends a script; throws if that cannot even be tried. */
export type RunScript = (name: ScriptName, keys: readonly string[], args: readonly string[]) => Promise<unknown>;

interface Batch<Request, Answer> {
  readonly requests: Request[];
  readonly replies: Reply<Answer>[];
}

/** Sends requests that are `alike`, and of one slot, together, and answers each for itself. */
export function inBatches<Request, Answer>(
  requests: readonly Request[],
  { most, alike, slotOf }: Batching<Request>,
  toCall: (batch: readonly Request[]) => ScriptCall<Answer>,
  run: RunScript,
): PromiseLike<Answer>[] {
  const openBySlot = new Map<number, Batch<Request, Answer>[]>();
  const all: Batch<Request, Answer>[] = [];
  const answers: Reply<Answer>[] = [];
  for (const request of requests) {
    const slot = slotOf(request);
    let open = openBySlot.get(slot);
    if (!open) openBySlot.set(slot, (open = []));
    let batch = open.find(({ requests: [first] }) => first && alike(first, request));
    if (!batch) {
      batch = { requests: [], replies: [] };
      open.push(batch);
      all.push(batch);
    }
    const reply = new Reply<Answer>();
    batch.requests.push(request);
    batch.replies.push(reply);
    answers.push(reply);
    // One that goes alone is not to be asked by all the others whether they may go along.
    if (batch.requests.length >= most || !alike(request, request)) open.splice(open.indexOf(batch), 1);
  }
  for (const { requests: together, replies } of all) {
    const fail = (error: unknown): void => {
      for (const reply of replies) reply.reject(error);
    };
    try {
      const { name, keys, args, read } = toCall(together);
      run(name, keys, args).then((reply) => {
        hand(readList(name, reply, read, replies.length), replies);
      }, fail);
    } catch (error) {
      fail(error);
    }
  }
  return answers;
}

function readList<Answer>(
  name: ScriptName,
  reply: unknown,
  read: ScriptCall<Answer>['read'],
  count: number,
): readonly (Answer | Error)[] {
  if (Array.isArray(reply)) return read(reply as unknown[]);
  // The short path of a script answers a single request without a list.
  if (count === 1 && (typeof reply === 'string' || typeof reply === 'number')) return read([reply]);
  return Array.from({ length: count }, () => malformedReply(name));
}

function hand<Answer>(answers: readonly (Answer | Error)[], replies: readonly Reply<Answer>[]): void {
  for (const [index, reply] of replies.entries()) {
    const answer = answers[index] ?? new Error('Redis answered fewer requests than it was sent');
    if (answer instanceof Error) reply.reject(answer);
    else reply.resolve(answer);
  }
}
