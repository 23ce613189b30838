import { onOneLine, quote } from '../../errors/quote.js';
import { remedyOf } from '../../errors/remedy.js';

const list = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : names.map((name) => quote(name)).join(', ');

const tell = (cause: unknown): string => {
  const remedy = remedyOf(cause);
  const message = onOneLine(cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
  return `${message}.${remedy === undefined ? '' : ` ${remedy}`}`;
};

const howToAdd = (name: string): string => `LockingModule.forFeature({ leaders: [{ name: ${quote(name)} }] })`;

export const featureNotObject = (call: string): string =>
  `${call}: the options must be an object, such as { leaders: [{ name: 'relay' }] }.`;

export const unknownFeatureOption = (call: string, name: string, known: readonly string[]): string =>
  `${call}: ${quote(name)} is not an option. Known are: ${known.join(', ')}.`;

export const leadersNotArray = (call: string): string =>
  `${call}: leaders must be an array, such as [{ name: 'relay' }].`;

export const isGlobalNotBoolean = (call: string): string => `${call}: isGlobal must be true or false.`;

export const namesNotArray = (): string =>
  "LockingModule.forFeatureAsync: names must be an array of the names that the factory configures, such as ['relay'].";

export const factoryNotFunction = (): string => 'LockingModule.forFeatureAsync: useFactory must be a function.';

export const otherNames = (announced: readonly string[], made: readonly string[]): string =>
  `LockingModule.forFeatureAsync: names announces ${list(announced)}, but the factory returned ${list(made)}. Make them the same.`;

export const leaderNotObject = (): string =>
  "A leader election must be an object with a name, such as { name: 'relay' }.";

export const unknownLeaderOption = (name: string, known: readonly string[]): string =>
  `${quote(name)} is not an option of a leader election. Known are: ${known.join(', ')}.`;

export const unusableText = (option: string, longest: number): string =>
  `${option} of a leader election must be a text of 1 to ${String(longest)} characters without halves of surrogate pairs.`;

export const inElection = (name: string, message: string): string => `Leader election ${quote(name)}: ${message}`;

export const timeoutTooShort = (heartbeat: number, timeout: number): string =>
  `leaderTimeout (${String(timeout)} ms) must be at least twice heartbeatInterval (${String(heartbeat)} ms), or one late heartbeat costs the leadership.`;

export const lengthTooLong = (option: string, milliseconds: number): string =>
  `${option}: ${String(milliseconds)} ms is too long; a timer lasts for 24 days ('576h') at most. After a crash nobody leads for as long as leaderTimeout: seconds or minutes are usual.`;

export const providerNotString = (): string => 'provider must be the id of a provider, such as "locking-redis".';

export const differentOptions = (name: string): string =>
  `Leader election ${quote(name)} is registered twice, with different options. Give it the same options everywhere, or two names.`;

export const loadedLazily = (name: string): string =>
  `Leader election ${quote(name)} comes with a lazily loaded module, but elections begin when the application starts. Import ${howToAdd(name)} into a module that is there from the start; the lazily loaded one can inject the election and listen to its events.`;

export const unknownElection = (where: string, name: string, known: readonly string[]): string =>
  `${where}: there is no leader election ${quote(name)}. Registered are: ${list(known)}. Add it with ${howToAdd(name)}.`;

export const moduleMissing = (): string =>
  'Leader elections need locks: import LockingModule.forRoot() into the root module.';

export const electionsNotInjected = (name: string): string =>
  `A method with @LeaderOnly(${quote(name)}) was called on an object into which Nest has not injected the leader elections. Get the instance from Nest (as a provider or controller), and call the method on it, so that "this" is right; and import LockingModule.forRoot() and ${howToAdd(name)}.`;

export const fallbackNotFunction = (): string => '@LeaderOnly: onFollower must be a function.';

export const unknownDecoratorOption = (name: string): string =>
  `@LeaderOnly: ${quote(name)} is not an option. Known is: onFollower.`;

export const unstartedMethod = (label: string, work: 'an Observable' | 'a generator'): string =>
  `${label} returned ${work}, which would run whether or not this instance still leads. Nothing of it was run. ` +
  (work === 'an Observable'
    ? 'Return lastValueFrom(observable) of rxjs.'
    : 'Iterate over it inside the method, and return what that comes to.');

export const notASingleton = (where: string): string =>
  `${where} is never called: its class is request-scoped or transient, so that there is no instance to call it on. Move the method to a provider of default scope`;

export const elected = (name: string, instanceId: string, token: number): string =>
  `Leader election ${quote(name)}: ${quote(instanceId)} leads, with fencing token ${String(token)}`;

export const steppedDown = (name: string, instanceId: string): string =>
  `Leader election ${quote(name)}: ${quote(instanceId)} steps down`;

export const leadershipLost = (name: string, instanceId: string, cause: unknown): string =>
  `Leader election ${quote(name)}: ${quote(instanceId)} has lost the leadership: ${tell(cause)}`;

export const notLeading = (name: string): string => `This instance does not lead ${quote(name)}.`;

export const storeFailed = (name: string, cause: unknown): string =>
  `Leader election ${quote(name)}: ${tell(cause)} It goes on trying`;

export const storeBack = (name: string): string => `Leader election ${quote(name)}: the store answers again`;

export const listenerFailed = (name: string, what: string, cause: unknown): string =>
  `Leader election ${quote(name)}: ${what} failed: ${tell(cause)}`;

export const stillRunning = (name: string, count: number, after: number): string =>
  `Leader election ${quote(name)}: ${String(count)} calls of @OnLeader or @LeaderOnly methods still ran ${String(after)} ms after the term had ended, and are no longer waited for. Have them end when their signal aborts`;

export const notReleased = (name: string, cause: unknown): string =>
  `Leader election ${quote(name)}: what this instance held could not be released: ${tell(cause)} It ends with its lease`;
