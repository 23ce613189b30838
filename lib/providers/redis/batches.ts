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

/** Requests that go together, and what answers each of them. */
interface Batch<Request, Answer> {
  readonly requests: readonly Request[];
  readonly replies: readonly Reply<Answer>[];
}

interface GrowingBatch<Request, Answer> extends Batch<Request, Answer> {
  readonly requests: Request[];
  readonly replies: Reply<Answer>[];
}

/** Sends requests that are `alike`, and of one slot, together, and answers each for itself. */
export function inBatches<Request, Answer>(
  requests: readonly Request[],
  batching: Batching<Request>,
  toCall: (batch: readonly Request[]) => ScriptCall<Answer>,
  run: RunScript,
): PromiseLike<Answer>[] {
  const answers = requests.map(() => new Reply<Answer>());
  // Most requests are alone in their turn.
  if (requests.length === 1) send({ requests, replies: answers }, toCall, run);
  else for (const batch of grouped(requests, answers, batching)) send(batch, toCall, run);
  return answers;
}

function grouped<Request, Answer>(
  requests: readonly Request[],
  answers: readonly Reply<Answer>[],
  { most, alike, slotOf }: Batching<Request>,
): readonly Batch<Request, Answer>[] {
  const openBySlot = new Map<number, GrowingBatch<Request, Answer>[]>();
  const all: Batch<Request, Answer>[] = [];
  for (const [index, reply] of answers.entries()) {
    const request = requests[index] as Request;
    const slot = slotOf(request);
    let open = openBySlot.get(slot);
    if (!open) openBySlot.set(slot, (open = []));
    let batch = open.find(({ requests: [first] }) => first && alike(first, request));
    if (!batch) {
      batch = { requests: [], replies: [] };
      open.push(batch);
      all.push(batch);
    }
    batch.requests.push(request);
    batch.replies.push(reply);
    // One that goes alone is not to be asked by all the others whether they may go along.
    if (batch.requests.length >= most || !alike(request, request)) open.splice(open.indexOf(batch), 1);
  }
  return all;
}

function send<Request, Answer>(
  { requests, replies }: Batch<Request, Answer>,
  toCall: (batch: readonly Request[]) => ScriptCall<Answer>,
  run: RunScript,
): void {
  const fail = (error: unknown): void => {
    for (const reply of replies) reply.reject(error);
  };
  try {
    const { name, keys, args, read } = toCall(requests);
    run(name, keys, args).then((reply) => {
      hand(readList(name, reply, read, replies.length), replies);
    }, fail);
  } catch (error) {
    fail(error);
  }
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
