import { Reply } from '../../provider-api/index.js';

/** As many requests as one call serves at most: a longer one would keep its rows locked for too long. */
const LARGEST_CALL = 200;

/** How requests become a call. */
export interface CallKind<Request, Answer> {
  /** Whether two requests may go in one call. A request that is not like itself goes alone. */
  readonly alike: (one: Request, other: Request) => boolean;
  /** Carries the requests out, in their order. Gives one answer for each. */
  readonly run: (requests: readonly Request[]) => Promise<readonly Answer[]>;
}

interface Keyed {
  readonly keys: readonly string[];
}

/** Requests that travel together. */
class Call {
  readonly requests: Keyed[] = [];
  readonly replies: Reply<unknown>[] = [];
  /** The calls before it that name a key of it and are not answered yet. */
  readonly before = new Set<Call>();
  readonly behind: Call[] = [];
  isStarted = false;

  constructor(readonly kind: CallKind<never, unknown>) {}
}

/**
 * Keeps the order of the requests for a key, whatever the connections that their calls go over: a call is sent once the calls
 * before it that name one of its keys are answered. Requests that are alike, and wait for the same calls, travel together.
 */
export class CallOrder {
  private readonly last = new Map<string, Call>();

  send<Request extends Keyed, Answer>(kind: CallKind<Request, Answer>, requests: readonly Request[]): Reply<Answer>[] {
    const open: Call[] = [];
    const calls: Call[] = [];
    const replies = requests.map((request) => {
      const before = this.callsBefore(request);
      const { alike } = kind;
      let call = open.find(
        (one) =>
          alike(one.requests[0] as Request, request) && before.every((other) => other === one || one.before.has(other)),
      );
      if (!call) {
        call = new Call(kind);
        for (const other of before) {
          call.before.add(other);
          other.behind.push(call);
        }
        open.push(call);
        calls.push(call);
      }
      const reply = new Reply<Answer>();
      call.requests.push(request);
      call.replies.push(reply);
      for (const key of request.keys) this.last.set(key, call);
      if (call.requests.length >= LARGEST_CALL || !alike(request, request)) open.splice(open.indexOf(call), 1);
      return reply;
    });
    for (const call of calls) this.startIfDue(call);
    return replies;
  }

  private callsBefore({ keys }: Keyed): Call[] {
    const before: Call[] = [];
    for (const key of keys) {
      const call = this.last.get(key);
      if (call && !before.includes(call)) before.push(call);
    }
    return before;
  }

  private startIfDue(call: Call): void {
    if (call.isStarted || call.before.size > 0) return;
    call.isStarted = true;
    const { requests, replies } = call;
    call.kind.run(requests as never[]).then(
      (answers) => {
        this.end(call);
        replies.forEach((reply, index) => {
          reply.resolve(answers[index]);
        });
      },
      (error: unknown) => {
        this.end(call);
        for (const reply of replies) reply.reject(error);
      },
    );
  }

  private end(call: Call): void {
    for (const { keys } of call.requests) {
      for (const key of keys) if (this.last.get(key) === call) this.last.delete(key);
    }
    for (const next of call.behind) {
      next.before.delete(call);
      this.startIfDue(next);
    }
  }
}
