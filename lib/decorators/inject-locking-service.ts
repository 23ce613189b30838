import { LockConfigurationError } from '../errors/index.js';
import { LOCKING_SERVICE } from '../module/locking.constants.js';
import { LockingService } from '../module/locking.service.js';
import { injectOnce } from './inject-once.js';

/** Has Nest put the `LockingService` of the application into every instance of the class. */
export function injectLockingService(prototype: object): void {
  injectOnce(prototype, LockingService, LOCKING_SERVICE);
}

/**
 * @throws LockConfigurationError for an instance that Nest has not made, or that a Nest from 11.1.20 to 12.1.3 has made
 * in spite of a missing `LockingModule`: those tell it when they first make an instance of a request-scoped or
 * transient provider, and leave the property out of later ones
 */
export function lockingServiceOf(instance: unknown, decorator: string): LockingService {
  const service = (instance as { [LOCKING_SERVICE]?: LockingService } | undefined)?.[LOCKING_SERVICE];
  if (service) return service;
  throw new LockConfigurationError(
    `A method with ${decorator} was called on ${describe(instance)}, into which Nest has not injected the LockingService. Get the instance from Nest (as a provider or controller), and call the method on it, so that "this" is right; and import LockingModule.forRoot() into the root module.`,
  );
}

function describe(instance: unknown): string {
  if (typeof instance !== 'object' || instance === null) return 'no instance';
  const { constructor } = instance as { constructor?: { name?: string } };
  return `an instance of ${constructor?.name ?? 'no class'}`;
}
