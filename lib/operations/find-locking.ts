import type { ModuleRef } from '@nestjs/core';
import { LeaderElections } from '../coordination/leader-election/leader-elections.js';
import { LockConfigurationError } from '../errors/index.js';
import { LockingRegistry } from '../module/locking.registry.js';
import { lockingModuleMissing } from './operations.messages.js';

/** The providers and elections of an application. */
export interface FoundLocking {
  readonly registry: LockingRegistry;
  readonly elections: LeaderElections;
}

/**
 * Wherever in the application they are, whether or not `forRoot` is global.
 *
 * @throws LockConfigurationError in an application without locks
 */
export function findLocking(moduleRef: ModuleRef, what: string): FoundLocking {
  try {
    return {
      registry: moduleRef.get(LockingRegistry, { strict: false }),
      elections: moduleRef.get(LeaderElections, { strict: false }),
    };
  } catch (error) {
    throw new LockConfigurationError(lockingModuleMissing(what), { cause: error });
  }
}
