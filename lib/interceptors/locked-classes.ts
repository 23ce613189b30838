import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { hasLockRequest } from './lock-request.definition.js';
import { reportResultsOf } from './report-result.js';

/**
 * Makes the handlers of classes report that inherit a `@LockRequest` from a parent class: no decorator sees them. It is
 * built before Nest looks for handlers.
 */
@Injectable()
export class LockedClasses {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    for (const { controllers, providers } of modules.values()) {
      for (const { metatype } of [...controllers.values(), ...providers.values()]) {
        if (typeof metatype !== 'function' || !inheritsLockRequest(metatype)) continue;
        reportResultsOf(metatype.prototype as object);
      }
    }
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
