import { onOneLine, quote } from '../../errors/quote.js';
import type { CircuitState } from './circuit-breaker.interface.js';

export const nameNotUsable = (name: unknown): string =>
  `The name of a circuit must be a text of whole characters that is not empty, such as "stripe", not ${typeof name === 'string' ? quote(name) : describe(name)}.`;

export const nameTooLong = (name: string, bytes: number, most: number): string =>
  `The name of the circuit ${quote(name)} has ${String(bytes)} bytes; at most ${String(most)} are allowed. Use a hash of it.`;

export const severalNames = (): string =>
  'The template or function of @WithCircuitBreaker gave several names. A call goes through one circuit: give one.';

export const unknownOption = (name: string, known: readonly string[]): string =>
  `${quote(name)} is not an option of a circuit here. Known are: ${known.join(', ')}.`;

export const ratioNotUsable = (ratio: unknown): string =>
  `failureRatio must be a number above 0 and at most 1, such as 0.5 for every second call, not ${describe(ratio)}.`;

export const countNotUsable = (option: string, value: unknown, most: number): string =>
  `${option} must be a whole number from 1 to ${String(most)}, not ${describe(value)}.`;

export const functionMissing = (call: string, what: string): string => `${call}: the ${what} must be a function.`;

export const functionExpected = (option: string): string => `${option} must be a function.`;

export const stateNotUsable = (state: unknown): string =>
  `The state of a circuit is 'closed', 'open' or 'half-open', not ${describe(state)}.`;

export const forWithoutOpen = (): string => `for: only setState(name, 'open') lasts for a time. Leave it out.`;

export const otherOptions = (name: string, known: object, given: object): string =>
  `The circuit ${quote(name)} has other options in this process already: ${JSON.stringify(known)} (lengths of time in milliseconds), and here ${JSON.stringify(given)}. Give all its callers the same, from one constant.`;

export const isOpen = (name: string, milliseconds: number, everywhere: boolean): string =>
  `The circuit ${quote(name)} is open${everywhere ? '' : ' in this instance'}, as too many calls failed: the call was not made. ${
    milliseconds === Infinity
      ? `An operator holds it open, until setState(name, 'closed').`
      : `Try again in ${String(milliseconds)} ms.`
  }`;

export const isProbing = (name: string, milliseconds: number): string =>
  `The circuit ${quote(name)} is half-open: another call finds out whether the service is back, and this one was not made. Try again in ${String(milliseconds)} ms.`;

export const unstartedCall = (label: string, work: string): string =>
  `${label}: the call returned ${work}, which runs later and outside of the circuit. Return a Promise of the result; of an Observable, firstValueFrom(observable).`;

export const notInjected = (label: string): string =>
  `A method with ${label} was called on an object into which Nest has not injected CircuitBreakerState. Get the instance from Nest (as a provider or controller), and call the method on it, so that "this" is right; and import LockingModule.forRoot() into the root module.`;

export const recordNotReadable = (record: string): string =>
  `The record ${quote(record)} of a circuit has another form: other software has written it. setState(name, 'closed') writes it anew.`;

export const neverWritten = (name: string): string =>
  `The circuit ${quote(name)} was not changed: others changed it at every attempt. Try again.`;

export const storeFailed = (name: string, error: unknown): string =>
  `The circuit ${quote(name)} is not shared at the moment, and this instance goes by its own calls: ${onOneLine(error instanceof Error ? error.message : String(error))}`;

export const listenerFailed = (name: string, error: unknown): string =>
  `A listener to the circuit ${quote(name)} failed: ${onOneLine(error instanceof Error ? (error.stack ?? error.message) : String(error))}`;

export const changed = (name: string, state: CircuitState, scope: 'shared' | 'instance'): string =>
  `The circuit ${quote(name)} is ${state}${scope === 'shared' ? '' : ' in this instance'}.`;

function describe(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) {
    return String(value);
  }
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}
