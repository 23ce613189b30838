import { types } from 'node:util';
import { LockConfigurationError } from '../errors/index.js';
import { assertLegacyCall } from './assert-legacy-call.js';
import { carryOver } from './carry-over.js';
import { notOnInstances, onGenerator } from './decorators.messages.js';

/** A method as decorators see it. */
export type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Puts `wrap(original)` in the place of a decorated method, with all that other decorators have left on it: all
 * that take the method from the class (routes, `@Cron`, `@MessagePattern`, a subclass) get the wrapped one.
 *
 * @param decorator - its name, for the error
 * @throws LockConfigurationError for anything but a method of instances, for generators (nothing of their body runs in the
 * call itself), and for a call as a standard decorator
 */
export function wrapMethod(
  decorator: string,
  propertyKey: string | symbol | undefined,
  target: object,
  descriptor: PropertyDescriptor | undefined,
  wrap: (original: Method, name: string | symbol) => Method,
): void {
  assertLegacyCall(decorator, propertyKey);
  const original: unknown = descriptor?.value;
  if (propertyKey === undefined || !descriptor || typeof target === 'function' || typeof original !== 'function') {
    throw new LockConfigurationError(notOnInstances(decorator, String(propertyKey ?? 'a class')));
  }
  if (types.isGeneratorFunction(original))
    throw new LockConfigurationError(onGenerator(decorator, String(propertyKey)));
  const wrapper = wrap(original as Method, propertyKey);
  carryOver(original, wrapper);
  descriptor.value = wrapper;
}
