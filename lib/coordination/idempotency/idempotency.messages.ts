import { onOneLine, quote } from '../../errors/quote.js';

export const keyNotUsable = (): string =>
  'The key of an idempotent run must be a text that is not empty, of whole characters.';

export const notAnOption = (name: string, known: readonly string[]): string =>
  `${quote(name)} is no option of an idempotent run. There are: ${known.join(', ')}.`;

export const onAbandonedNotUsable = (): string => `onAbandoned must be 'rerun' or 'reject'.`;

export const maxSizeNotUsable = (most: number): string =>
  `maxSize must be a whole number of bytes from 1 to ${String(most)}.`;

export const fingerprintNotJson = (why: string): string =>
  `The fingerprint of an idempotent run cannot be written as JSON: ${onOneLine(why)}. Nothing was run. Give the values that tell two payloads apart.`;

export const inProgress = (key: string): string =>
  `Another call with the idempotency key ${quote(key)} is running. This one was not run: try again later, or set the option wait.`;

export const mismatch = (key: string): string =>
  `The idempotency key ${quote(key)} was used with another payload before. Nothing was run: use another key for another payload.`;

export const abandoned = (key: string): string =>
  `An earlier call with the idempotency key ${quote(key)} ended without a result, so it is not known whether it had an effect. Nothing was run (onAbandoned: 'reject'). Look what it has done; then IdempotencyService.forget(key) allows another run.`;

export const notReplayable = (key: string, why: string): string =>
  `The job of the idempotency key ${quote(key)} was done before, but its result cannot be repeated: ${onOneLine(why)}`;

export const notStored = (key: string, cause: unknown): string =>
  `The job of the idempotency key ${quote(key)} was run, but its result could not be stored: ${onOneLine(cause instanceof Error ? cause.message : String(cause))} A further call counts this one as abandoned.`;

export const notKept = (key: string, why: string): string =>
  `The result of the idempotency key ${quote(key)} cannot be kept: ${onOneLine(why)} Further calls with this key are refused.`;

export const notFinished = (key: string): string =>
  `The job of the idempotency key ${quote(key)} was ended half-way, as the lock of its request was lost. A further call counts it as abandoned.`;

export const tooLarge = (bytes: number, most: number): string =>
  `it has ${String(bytes)} bytes as JSON, and at most ${String(most)} are kept (option maxSize).`;

export const notJson = (why: string): string => `it cannot be written as JSON: ${why}.`;

export const takenOver = (key: string): string =>
  `The lease of the idempotency key ${quote(key)} ended while its job was running, and another call has taken over. The result of this one was not stored.`;

export const unstarted = (key: string, work: string): string =>
  `The job of the idempotency key ${quote(key)} returned ${work}, of which nothing was run. Return a Promise of the result instead, such as lastValueFrom(observable).`;

export const notReadable = (key: string): string =>
  `The record of the idempotency key ${quote(key)} has another form: other software has written it. Delete the record ${quote(`idempotency/${key}`)}, or choose another key.`;

export const fingerprintNotFunction = (): string => 'fingerprint: must be a function of the arguments.';

export const oneKey = (method: string, count: number): string =>
  `@Idempotent on ${method}: the key of a call must be one text that is not empty, not ${String(count)} keys. Join the parts: 'payment:<0.shop>:<0.id>'.`;

export const notInjected = (method: string): string =>
  `${method} with @Idempotent was called on an instance into which Nest has not injected the IdempotencyService. Get the instance from Nest (as a provider or controller), and call the method on it, so that "this" is right; and import LockingModule.forRoot() into the root module.`;

export const notForgotten = (key: string, error: unknown): string =>
  `The record of the idempotency key ${quote(key)}, whose job has failed, could not be deleted: ${onOneLine(error instanceof Error ? error.message : String(error))} The next call counts it as abandoned.`;
