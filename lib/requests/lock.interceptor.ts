import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { injectLockingService } from '../decorators/inject-locking-service.js';
import { LOCKING_SERVICE } from '../module/locking.constants.js';
import type { LockingService } from '../module/locking.service.js';
import { currentRunOf } from './handler-run.js';
import { lockRequestOf } from './lock-request.definition.js';
import { lockRequest } from './locked-request.js';

/**
 * Runs handlers with `@LockRequest` under their locks. The decorator binds it by itself, so there is nothing to do but
 * to import `LockingModule`; without that the application does not start.
 *
 * Bind it globally as well (`APP_INTERCEPTOR`) to have the lock taken before other global interceptors run; a request
 * is locked once all the same, by the outermost one. An instance that Nest has not made
 * (`useGlobalInterceptors(new LockInterceptor())`) has no locks to work with, and leaves it to the decorator's.
 *
 * @example
 * providers: [{ provide: APP_INTERCEPTOR, useClass: LockInterceptor }]
 */
@Injectable()
export class LockInterceptor implements NestInterceptor {
  static {
    injectLockingService(this.prototype);
  }

  /** @internal Put there by Nest. */
  declare private readonly [LOCKING_SERVICE]?: LockingService;

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const locking = this[LOCKING_SERVICE];
    const definition = lockRequestOf(context);
    // every request has a context of its own, which all of its interceptors share
    if (!locking || !definition || currentRunOf(context)) return next.handle();
    return lockRequest(locking, definition, context, next);
  }
}
