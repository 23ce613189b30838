import { METHOD_ROOTS, methodScope, parseKeyTemplate } from '../key-templates/index.js';

/** A function that names the keys of a call from its arguments. */
export type LockKeyFunction<Args extends unknown[]> = (...args: Args) => string | readonly string[];

/** The keys of one call, of the instance and the arguments. */
export type KeysOf = (self: unknown, args: unknown[]) => string | readonly string[];

/** @throws LockKeyError for a malformed template */
export function compileMethodKey(key: string | LockKeyFunction<never[]>): KeysOf {
  if (typeof key === 'function') return (self, args) => key.apply(self, args as never[]);
  const template = parseKeyTemplate(key, METHOD_ROOTS);
  return (self, args) => template.render(methodScope(self, args));
}
