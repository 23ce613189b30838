import 'reflect-metadata';
import { headerDescription } from './http.messages.js';
import type { IdempotentRequestDefinition } from './idempotent-request.definition.js';

/**
 * Where `@nestjs/swagger` has what its decorators of parameters say of a handler. It is written without that package, which
 * may not be there: then no reader exists.
 */
const API_PARAMETERS = 'swagger/apiParameters';

/** A header as `@ApiHeader` describes it. */
interface ApiParameter {
  readonly name?: unknown;
  readonly in?: unknown;
}

/** Describes the header in the OpenAPI document, unless the application does. */
export function describeHeader({ header, required }: IdempotentRequestDefinition, handler: object): void {
  const known = (Reflect.getMetadata(API_PARAMETERS, handler) ?? []) as readonly ApiParameter[];
  const name = header.toLowerCase();
  if (known.some((one) => one.in === 'header' && String(one.name).toLowerCase() === name)) return;
  const schema = { type: 'string', minLength: 1, maxLength: 255 };
  const described = { name: header, in: 'header', required, description: headerDescription(), schema };
  Reflect.defineMetadata(API_PARAMETERS, [...known, described], handler);
}
