import { injectOnce } from '../../decorators/inject-once.js';
import { wrapMethod } from '../../decorators/wrap-method.js';
import { LeaderElections } from './leader-elections.js';
import { addRole, type LeaderRole } from './leader-role.js';
import type { LeaderTerm } from './leader-term.interface.js';
import { assertElectionName } from './read-leader-options.js';

/** Nest shows this text when it cannot inject the property. */
const ELECTIONS = Symbol(
  'LeaderElections, which @OnLeader and @OnFollower need: import LockingModule.forRoot() into the root module',
);

type HandlerDecorator<Argument> = <Decorated extends (argument: Argument) => unknown>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated>,
) => void;

/**
 * Calls a method when this instance is elected, with the `LeaderTerm` that begins. It may run for as long as the term:
 * in a loop until `term.signal` aborts. It has to end then, for a step-down waits for it, for `leaderTimeout` at most,
 * before the next instance may lead.
 *
 * It works on providers and controllers of default scope; on others a warning is logged at the start. In a lazily loaded
 * module it is called as soon as that is loaded, if this instance leads by then; classes only, no factories. What it throws is
 * logged, and does not end the term: call `election.resign()` where the instance cannot do its work.
 *
 * @throws LockConfigurationError at start-up when no election of this name is registered; at decoration for anything
 * but a method of instances
 *
 * @example
 * \@OnLeader('relay')
 * async relay({ signal, fencingToken }: LeaderTerm): Promise<void> {
 *   while (!signal.aborted) await this.relayBatch(fencingToken, signal);
 * }
 */
export function OnLeader(name: string): HandlerDecorator<LeaderTerm> {
  return handler('@OnLeader', { name, role: 'leader' });
}

/**
 * Calls a method when this instance no longer leads, with the `LeaderTerm` that has ended; and once after the start,
 * with `undefined`, where another instance leads by then. The election does not wait for the method.
 *
 * Otherwise as `@OnLeader`.
 *
 * @example
 * \@OnFollower('relay')
 * pause(): void { this.metrics.leading.set(0); }
 */
export function OnFollower(name: string): HandlerDecorator<LeaderTerm | undefined> {
  return handler('@OnFollower', { name, role: 'follower' });
}

function handler(decorator: string, role: LeaderRole) {
  assertElectionName(role.name);
  return (target: object, propertyKey: string | symbol, descriptor: PropertyDescriptor): void => {
    wrapMethod(decorator, propertyKey, target, descriptor, (original) => {
      receiveElections(target);
      addRole(original, role);
      return original;
    });
  };
}

/** Has Nest show every instance of the class to the elections: no hook tells them of lazily loaded modules. */
function receiveElections(prototype: object): void {
  injectOnce(prototype, LeaderElections, ELECTIONS);
  Object.defineProperty(prototype, ELECTIONS, {
    configurable: true,
    // Nest from 11.1.20 to 12.1.3 gives nothing at all to some instances, where there is no module to give it.
    set(this: object, elections: LeaderElections | undefined) {
      elections?.welcome(this);
    },
  });
}
