import { LockConfigurationError } from '../errors/index.js';
import { standardDecorators } from './decorators.messages.js';

/**
 * Decorators of Nest, and of this package, are called as `experimentalDecorators` has it: with the prototype and the
 * name. Standard (TC39) ones are called with the value and a context, `{ kind: 'method', name: 'pay', … }`.
 *
 * @param decorator - its name, for the error
 * @param second - the second argument of its call
 * @throws LockConfigurationError for a call as a standard decorator
 */
export function assertLegacyCall(decorator: string, second: unknown): void {
  if (typeof second !== 'object' || second === null) return;
  const { kind, name } = second as { kind?: unknown; name?: unknown };
  if (typeof kind !== 'string') return;
  const member = typeof name === 'string' || typeof name === 'symbol' ? String(name) : 'a class without a name';
  throw new LockConfigurationError(standardDecorators(decorator, member));
}
