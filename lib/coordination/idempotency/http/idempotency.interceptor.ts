import 'reflect-metadata';
import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { LockConfigurationError } from '../../../errors/index.js';
import { nameHandler } from '../../../requests/request-context.js';
import { IdempotencyService } from '../idempotency.service.js';
import { notHttp, notOnThis, serverSentEvents } from './http.messages.js';
import { noteEarlierHeaders } from '../../../requests/earlier-headers.js';
import { exchangeOnce } from './idempotent-exchange.js';
import { idempotentRequestOf } from './idempotent-request.definition.js';
import { identifyRequest } from './identify-request.js';

/** Handles requests once per key, for handlers with `@Idempotent()`, which binds it. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(@Inject(IdempotencyService) private readonly service: IdempotencyService) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const definition = idempotentRequestOf(context);
    if (!definition) return next.handle();
    if (context.getType<string>() !== 'http') {
      throw new LockConfigurationError(notHttp(nameHandler(context), context.getType<string>()));
    }
    // Nest's own mark of `@Sse()`; its constant is not public.
    if (Reflect.getMetadata('__sse__', context.getHandler())) {
      throw new LockConfigurationError(notOnThis(nameHandler(context), serverSentEvents));
    }
    noteEarlierHeaders(context);
    const call = identifyRequest(definition, context);
    if (!call) return next.handle();
    const { headers, takesResponse } = definition;
    return exchangeOnce(this.service, call, { context, next, headers, takesResponse });
  }
}
