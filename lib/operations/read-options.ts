import { LockConfigurationError } from '../errors/index.js';
import { noOptions, notAnOption } from './operations.messages.js';

/**
 * @param what - whose options they are
 * @param example - options that can work
 * @throws LockConfigurationError where `options` is no object, or has one that is not `known`
 */
export function assertOptions(what: string, options: unknown, known: readonly string[], example: string): void {
  if (typeof options !== 'object' || options === null) throw new LockConfigurationError(noOptions(what, example));
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(notAnOption(what, unknown, known));
}

/** @throws LockConfigurationError with `message` for a value without the method by which its kind is known; `undefined` is none */
export function assertMethod(value: unknown, method: string, message: string): void {
  if (value === undefined) return;
  const found = (value as Readonly<Record<string, unknown>> | null)?.[method];
  if (typeof found !== 'function') throw new LockConfigurationError(message);
}
