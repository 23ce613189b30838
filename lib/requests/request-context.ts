import type { ExecutionContext } from '@nestjs/common';
import { LockKeyError } from '../errors/index.js';
import { noSuchRoot } from './interceptor.messages.js';
import type { LockRequestContext, LockRequestRoots } from './lock-request.interface.js';
import { inAnyCase } from './request-headers.js';

/** A part that this kind of request never has was asked for: that is a mistake of the program. */
export class NoSuchRootError extends LockKeyError {}

type Root = keyof LockRequestRoots;
type Readers = Partial<Record<Root, (args: readonly unknown[]) => unknown>>;

const httpRoot =
  (name: string) =>
  ([request]: readonly unknown[]): unknown =>
    property(request, name);

/** What each kind of request is made of. Read from Nest's bare arguments, so that no transport has to be installed. */
const KINDS: Readonly<Record<string, Readers>> = {
  http: {
    params: httpRoot('params'),
    query: httpRoot('query'),
    body: httpRoot('body'),
    headers: ([request]) => inAnyCase(property(request, 'headers')),
    user: ([request]) => userOf(request),
  },
  graphql: {
    args: (args) => resolverArgs(args)[1],
    context: (args) => resolverArgs(args)[2],
    user: (args) => userOf(property(resolverArgs(args)[2], 'req')),
  },
  rpc: { data: ([data]) => data, context: ([, context]) => context },
  ws: { data: ([, data]) => data, context: ([client]) => client },
};

/** Only what is asked for is read: a getter that destructuring does not touch cannot fail. */
class RequestContext implements LockRequestContext {
  constructor(readonly executionContext: ExecutionContext) {}

  get params(): Record<string, string> {
    return this.read('params') as Record<string, string>;
  }
  get query(): Record<string, unknown> {
    return this.read('query') as Record<string, unknown>;
  }
  get body(): unknown {
    return this.read('body');
  }
  get headers(): LockRequestRoots['headers'] {
    return this.read('headers') as LockRequestRoots['headers'];
  }
  get user(): unknown {
    return this.read('user');
  }
  get args(): unknown {
    return this.read('args');
  }
  get context(): unknown {
    return this.read('context');
  }
  get data(): unknown {
    return this.read('data');
  }

  private read(root: Root): unknown {
    const type = this.executionContext.getType<string>();
    const kind = KINDS[type] ?? {};
    const reader = kind[root];
    if (reader) return reader(this.executionContext.getArgs());
    throw new NoSuchRootError(noSuchRoot(nameHandler(this.executionContext), root, type, Object.keys(kind)));
  }
}

/** The parts of a request, whatever its transport. */
export function requestContext(executionContext: ExecutionContext): LockRequestContext {
  return new RequestContext(executionContext);
}

/** For messages: `OrdersController.pay`. */
export function nameHandler(context: ExecutionContext): string {
  return `${context.getClass().name}.${context.getHandler().name}`;
}

/**
 * The user of an HTTP request. Under Fastify, middleware gets Node's own request, and sets the user there, beside which a
 * guard's counts.
 */
export function userOf(request: unknown): unknown {
  return property(request, 'user') ?? property(property(request, 'raw'), 'user');
}

/** A resolver gets (root, args, context, info); one of a federated reference no args: (root, context, info). */
function resolverArgs(args: readonly unknown[]): readonly unknown[] {
  return args.length === 3 ? [args[0], undefined, args[1], args[2]] : args;
}

function property(target: unknown, name: string): unknown {
  return (target as Record<string, unknown> | null | undefined)?.[name];
}
