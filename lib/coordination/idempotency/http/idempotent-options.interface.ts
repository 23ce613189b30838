import type { LockRequestContext } from '../../../requests/lock-request.interface.js';
import type { IdempotencyOptions } from '../idempotency.interface.js';

/** Options of `@Idempotent()` on a handler of HTTP requests. */
export interface IdempotentRequestOptions extends Omit<IdempotencyOptions, 'signal'> {
  /**
   * The name of the header that carries the key.
   *
   * @defaultValue `'Idempotency-Key'`
   */
  header?: string | undefined;

  /**
   * Whether a request without the header is refused with 400. With `false` it is handled like any other.
   *
   * @defaultValue true
   */
  required?: boolean | undefined;

  /**
   * Names of further headers that a repetition of the answer carries as well. Never `Set-Cookie`, nor those of the
   * connection.
   *
   * @defaultValue none besides `Content-Type`, `Content-Language`, `Content-Disposition`, `ETag`, `Last-Modified`, `Link`
   * and `Location`
   */
  headers?: readonly string[] | undefined;

  /**
   * The client: keys of one client are not those of another. A text or a number; `undefined` for requests without a user.
   *
   * @defaultValue the `id`, `sub` or `userId` of `request.user`, or of `request.raw.user` under Fastify; without a user the header
   * `Authorization`
   */
  principal?: ((request: LockRequestContext) => string | number | undefined) | undefined;

  /**
   * What a repetition has in common with the first request: JSON, or bytes.
   *
   * @defaultValue the URL, the body and uploaded files
   */
  fingerprint?: ((request: LockRequestContext) => unknown) | undefined;
}
