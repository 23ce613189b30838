import type { AnyResult, ResolvesWith, TakesArguments } from '../../decorators/call-results.js';
import { injectOnce } from '../../decorators/inject-once.js';
import { wrapMethod } from '../../decorators/wrap-method.js';
import { LockConfigurationError } from '../../errors/index.js';
import { quote } from '../../errors/quote.js';
import { assertHandled } from './assert-handled.js';
import { electionsNotInjected, fallbackNotFunction, unknownDecoratorOption } from './leader-election.messages.js';
import { LeaderElections } from './leader-elections.js';
import { addRole } from './leader-role.js';
import { assertElectionName } from './read-leader-options.js';

/**
 * Options of `@LeaderOnly`.
 *
 * @typeParam OnFollower - the type of `onFollower`, which the compiler checks against the method
 */
export interface LeaderOnlyOptions<OnFollower = undefined> {
  /**
   * What a call comes to where this instance does not lead: what this returns for its arguments. The method has to be
   * typed to resolve with that as well.
   *
   * @defaultValue the call resolves with `undefined`
   */
  onFollower?: OnFollower | undefined;
}

/** The decorator that `@LeaderOnly` makes: for a method that may resolve with `Result`, and is called with at least `Args`. */
type LeaderOnlyDecorator<Args extends unknown[], Result> = <Decorated extends (...args: never[]) => Promise<unknown>>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated> & TakesArguments<Decorated, Args> & ResolvesWith<Decorated, Result>,
) => void;

/** Nest names the property in its error when it cannot be injected, so the description says what to do. */
const ELECTIONS = Symbol(
  'leader elections, which @LeaderOnly needs: import LockingModule.forRoot() into the root module, and LockingModule.forFeature({ leaders })',
);

/**
 * Runs a method on the leader only. A call on any other instance resolves with `undefined`, or with what `onFollower`
 * returns; the compiler demands a method that is typed to do so. It works on any method that returns a Promise, `@Cron` and the like included, above or below other
 * decorators, on providers of every scope.
 *
 * A step-down waits for calls that are under way, for `leaderTimeout` at most. Where the leadership is lost while a call
 * runs, the call goes on, and its result or error passes through: have a long one watch `election.signal`, and store
 * `election.fencingToken` with what it writes.
 *
 * @throws LockConfigurationError at start-up when no election of this name is registered; at decoration for options
 * that cannot work, for generators, and for anything but a method of instances; at the call for a method that returns an
 * Observable
 *
 * @example
 * \@Cron('0 3 * * *')
 * \@LeaderOnly('nightly')
 * async cleanUp(): Promise<void> { … }
 */
export function LeaderOnly<Args extends unknown[] = unknown[], Result extends AnyResult = undefined>(
  name: string,
  options: LeaderOnlyOptions<(...args: Args) => Result> = {},
): LeaderOnlyDecorator<Args, Result> {
  assertElectionName(name);
  const onFollower = checkedFallback(options);
  return (target, propertyKey, descriptor) => {
    wrapMethod('@LeaderOnly', propertyKey, target, descriptor, (original) => {
      injectOnce(target, LeaderElections, ELECTIONS);
      addRole(original, { name, role: 'only' });
      return async function (...args) {
        const candidate = electionsOf(this, name).candidate(name, '@LeaderOnly');
        if (!candidate.term) return onFollower?.apply(this, args as Args);
        return await candidate.methods.track(async () => {
          const result = await original.apply(this, args);
          assertHandled(`@LeaderOnly(${quote(name)})`, result);
          return result;
        });
      };
    });
  };
}

function checkedFallback<OnFollower>({ onFollower, ...others }: LeaderOnlyOptions<OnFollower>): OnFollower | undefined {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new LockConfigurationError(unknownDecoratorOption(unknown));
  if (onFollower !== undefined && typeof onFollower !== 'function') {
    throw new LockConfigurationError(fallbackNotFunction());
  }
  return onFollower;
}

function electionsOf(instance: unknown, name: string): LeaderElections {
  const elections = (instance as { [ELECTIONS]?: LeaderElections } | undefined)?.[ELECTIONS];
  if (!elections) throw new LockConfigurationError(electionsNotInjected(name));
  return elections;
}
