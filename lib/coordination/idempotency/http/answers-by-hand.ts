/** Node's response, under Express with methods of its own. */
interface RawResponse {
  statusCode: number;
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
 * Notes the status that a handler sets, and what it sends by itself, past what it returns (`response.send(…)`). Other senders do not count, such as an
 * interceptor outside that has given up on the handler. A response does not show it: plugins and middleware may delay what is sent.
 */
export class AnswersByHand {
  /** The status that was sent first; none while nothing was sent. */
  status: number | undefined;
  /** The status that the handler has set last. */
  chosen: number | undefined;
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
    const noteChosen = (status: number): void => {
      if (!this.stopped && isHandler()) this.chosen = status;
    };
    this.restore = [noteCalls(raw, 'end', noteRaw), noteCalls(raw, 'write', noteRaw), noteStatus(raw, noteChosen)];
    if (!('raw' in made)) return;
    const noteSend = (payload: unknown): void => {
      const isFailure = payload instanceof Error && made.statusCode < LEAST_REFUSAL;
      if (isFailure) noteChosen(FAILED);
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

/** @returns a function that makes of the status a plain property again */
function noteStatus(raw: RawResponse, note: (status: number) => void): () => void {
  // An accessor of HTTP/2, a value of HTTP/1.
  const inherited = Object.hasOwn(raw, 'statusCode') ? undefined : accessorOf(raw);
  let current = raw.statusCode;
  const get = (): unknown => (inherited?.get ? inherited.get.call(raw) : current);
  const set = (status: number): void => {
    // What sends the answer sets the same one once more.
    const isOther = status !== get();
    current = status;
    inherited?.set?.call(raw, status);
    if (isOther) note(status);
  };
  Object.defineProperty(raw, 'statusCode', { configurable: true, enumerable: true, get, set });
  return () => {
    Reflect.deleteProperty(raw, 'statusCode');
    if (!inherited) raw.statusCode = current;
  };
}

function accessorOf(raw: object): PropertyDescriptor | undefined {
  for (let owner = parentOf(raw); owner; owner = parentOf(owner)) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, 'statusCode');
    if (descriptor) return descriptor.set ? descriptor : undefined;
  }
  return undefined;
}

function parentOf(object: object): object | null {
  return Object.getPrototypeOf(object) as object | null;
}
