import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { LockConfigurationError } from '../errors/index.js';
import { replacedAbove } from './interceptor.messages.js';
import { hasLockRequest, unlockedMethodOf } from './lock-request.definition.js';
import { reportResultsOf } from './report-result.js';

/**
 * Makes the handlers of classes report that inherit a `@LockRequest` from a parent class: no decorator sees them; and
 * refuses classes with a handler that would run without its lock. It is built before Nest looks for handlers.
 */
@Injectable()
export class LockedClasses {
  /** @throws LockConfigurationError for a handler that another function has taken the place of */
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    for (const { controllers, providers } of modules.values()) {
      for (const { metatype } of [...controllers.values(), ...providers.values()]) {
        if (typeof metatype !== 'function') continue;
        assertLocked(metatype.prototype as object | undefined);
        if (inheritsLockRequest(metatype)) reportResultsOf(metatype.prototype as object);
      }
    }
  }
}

function assertLocked(prototype: object | undefined): void {
  for (let owner = prototype; owner; owner = Object.getPrototypeOf(owner) as object | undefined) {
    const name = unlockedMethodOf(owner);
    if (name === undefined) continue;
    throw new LockConfigurationError(replacedAbove(`${owner.constructor.name}.${String(name)}`));
  }
}

function inheritsLockRequest(metatype: object): boolean {
  let parent = Object.getPrototypeOf(metatype) as object | null;
  while (parent && parent !== Function.prototype) {
    if (hasLockRequest(parent)) return true;
    parent = Object.getPrototypeOf(parent) as object | null;
  }
  return false;
}
