import { onOneLine, quote } from '../errors/quote.js';

/** The kinds of requests there are, in words. */
const KINDS: Readonly<Record<string, string>> = {
  http: 'an HTTP request',
  graphql: 'a GraphQL operation',
  rpc: 'a message of a microservice',
  ws: 'a WebSocket message',
};

export const noSuchRoot = (handler: string, root: string, type: string, known: readonly string[]): string =>
  `@LockRequest on ${handler}: ${KINDS[type] ?? `a request of type ${quote(type)}`} has no "${root}". ` +
  (known.length > 0
    ? `There are: ${known.join(', ')}. Or make the key with a function, which gets the executionContext.`
    : 'Make the key with a function of the executionContext.');

export const unusableRequest = (handler: string, problem: string): string =>
  `A request to ${handler} was refused, as no key could be made of it: ${onOneLine(problem)}`;

export const notOnMembers = (name: string): string =>
  `@LockRequest on ${name}: only methods of instances and classes can be decorated, not static methods, accessors or properties.`;

export const twice = (name: string): string =>
  `@LockRequest stands twice on ${name}, and only one could count. To lock several keys, give one function that returns an array of them.`;

export const replacedAbove = (handler: string): string =>
  `@LockRequest on ${handler}: a decorator above it has put another function in the place of the method and has dropped its metadata, so requests would run without their lock. Move @LockRequest above that decorator, or have it copy the metadata of the method.`;

export const notAHandler = (method: string): string =>
  `@LockRequest on ${method}: nothing makes the method a handler of requests, so a call of it runs without a lock. Use @WithLock for methods that the application calls itself.`;

export const lostLate = (handler: string, reason: string): string =>
  `The lock of a request to ${handler} was lost before the request had ended: ${onOneLine(reason)}`;

export const notRead = (handler: string, limit: number): string =>
  `The client of a request to ${handler} does not read its response, for which a lock is held: the response was cut short. It may keep the lock waiting for ${String(limit)} ms, and not at all at shutdown. Raise responseTimeout where clients need longer.`;

export const generatorHandler = (handler: string): string =>
  `@LockRequest on ${handler}: the handler is a generator, whose body would run after the lock has been released. Nothing of it was run. Take the lock inside of it; the handler of a message may also return an Observable.`;

export const handlerTooLate = (keys: readonly string[]): string =>
  `The handler was not run: the lock on ${keys.map((key) => quote(key)).join(', ')} had ended before it could begin.`;
