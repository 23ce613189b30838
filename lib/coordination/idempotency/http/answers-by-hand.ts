/** Node's response, under Express with methods of its own. */
interface RawResponse {
  readonly statusCode: number;
  end: Method;
  write: Method;
}

/** The part of the replies of Fastify that is needed. */
interface FastifyReply {
  readonly raw: RawResponse;
  readonly statusCode: number;
  send: Method;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Fastify's own status for an error, and the least one that it takes from the handler. */
const FAILED = 500;
const LEAST_REFUSAL = 400;

/**
 * Notes what a handler sends by itself, past what it returns (`response.send(…)`). Other senders do not count, such as an
 * interceptor outside that has given up on the handler. A response does not show it: plugins and middleware may delay what is sent.
 */
export class AnswersByHand {
  /** The status that was sent first; none while nothing was sent. */
  status: number | undefined;
  private readonly restore: readonly (() => void)[];
  private stopped = false;

  /** @param isHandler - whether the handler makes this call */
  constructor(response: object, isHandler: () => boolean) {
    const note = (status: number): void => {
      if (!this.stopped && isHandler()) this.status ??= status;
    };
    const made = response as RawResponse | FastifyReply;
    const raw = 'raw' in made ? made.raw : made;
    const noteRaw = (): void => {
      note(raw.statusCode);
    };
    this.restore = [noteCalls(raw, 'end', noteRaw), noteCalls(raw, 'write', noteRaw)];
    if (!('raw' in made)) return;
    const noteSend = (payload: unknown): void => {
      const isFailure = payload instanceof Error && made.statusCode < LEAST_REFUSAL;
      note(isFailure ? FAILED : made.statusCode);
    };
    this.restore = [noteCalls(made, 'send', noteSend), ...this.restore];
  }

  stop(): void {
    this.stopped = true;
    for (const restore of this.restore) restore();
  }
}

/** @returns a function that puts the method back, unless another one has replaced it meanwhile */
function noteCalls<Name extends string>(
  target: Record<Name, Method>,
  name: Name,
  note: (argument: unknown) => void,
): () => void {
  const method = target[name];
  const isOwn = Object.hasOwn(target, name);
  const noting: Method = function (this: unknown, ...args) {
    note(args[0]);
    return method.apply(this, args);
  };
  target[name] = noting;
  return () => {
    if (target[name] !== noting) return;
    if (isOwn) target[name] = method;
    else Reflect.deleteProperty(target, name);
  };
}
