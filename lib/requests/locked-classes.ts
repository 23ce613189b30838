import { Inject, Injectable, Logger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { LockConfigurationError } from '../errors/index.js';
import { notAHandler, replacedAbove } from './interceptor.messages.js';
import { calledByNobody, hasLockRequest, unlockedMethodOf } from './lock-request.definition.js';
import { reportResultsOf } from './report-result.js';

const logger = new Logger('LockInterceptor');

/**
 * Makes the handlers of classes report that inherit a `@LockRequest` from a parent class: no decorator sees them; and
 * refuses classes with a handler that would run without its lock, and warns of methods that are no handlers. It is built
 * before Nest looks for those.
 */
@Injectable()
export class LockedClasses {
  /** @throws LockConfigurationError for a handler that another function has taken the place of */
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    for (const { controllers, providers } of modules.values()) {
      for (const { metatype } of [...controllers.values(), ...providers.values()]) {
        if (typeof metatype !== 'function') continue;
        const prototype = metatype.prototype as object | undefined;
        if (!prototype) continue;
        assertLocked(prototype);
        for (const name of calledByNobody(prototype)) {
          logger.warn(notAHandler(`${metatype.name}.${String(name)}`));
        }
        if (inheritsLockRequest(metatype)) reportResultsOf(prototype);
      }
    }
  }
}

function assertLocked(prototype: object): void {
  for (let owner: object | undefined = prototype; owner; owner = Object.getPrototypeOf(owner) as object | undefined) {
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
