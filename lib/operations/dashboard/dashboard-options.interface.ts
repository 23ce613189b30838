import type { CanActivate, DynamicModule, Type } from '@nestjs/common';
import type { Duration } from '../../interfaces/index.js';

/** Options of `LockingDashboardModule.forRoot`. */
export interface LockingDashboardOptions {
  /**
   * Where the dashboard is, below the global prefix of the application.
   *
   * @defaultValue 'locks'
   */
  path?: string | undefined;

  /** Guards of the dashboard: each request, the page included, has to pass all of these guards. */
  guards?: readonly (Type<CanActivate> | CanActivate)[] | undefined;

  /** The modules that export what the guards inject. */
  imports?: DynamicModule['imports'];

  /**
   * `true` starts without `guards`: for a machine of your own, or where a global guard, a proxy or a network keeps strangers out.
   *
   * @defaultValue false
   */
  insecure?: boolean | undefined;

  /**
   * Whether locks can be released by hand. Every person who passes the guards can.
   *
   * @defaultValue false
   */
  allowRelease?: boolean | undefined;

  /**
   * By which names this server may be called: `'admin.example.com'`, or `'.example.com'` with all below it, without a port. A
   * request by another name is refused, so that no page of another site can read the dashboard by pointing its own name here
   * (DNS rebinding). IP addresses, which no site can do that with, are always allowed. `true` allows every name.
   *
   * @defaultValue with `insecure`, `localhost` and all below it; else `true`, for the guards refuse such a page
   */
  allowedHosts?: readonly string[] | true | undefined;

  /**
   * Whether the name of this server in the address of the page is that of `X-Forwarded-Host`: behind a proxy that sets this
   * header, and overwrites what clients send. Other sites are kept from releasing locks by that name.
   *
   * @defaultValue false: it is that of `Host`
   */
  trustProxy?: boolean | undefined;

  /**
   * The name of the person behind a request, for the log entry about a lock that was released by hand: an account, an
   * e-mail address. It may return a promise. The address of the client without it. Where it fails, nothing is released.
   */
  identify?: ((request: unknown) => string | undefined | Promise<string | undefined>) | undefined;

  /**
   * How often the store is looked at while anybody looks at the dashboard, however many they are. A number is seconds.
   *
   * @defaultValue '2s'
   */
  interval?: Duration | undefined;

  /**
   * For how long a page gets data before it has to ask again, and so to pass the guards again: a viewer whose rights end
   * sees nothing new after that. A number is seconds.
   *
   * @defaultValue '1m'
   */
  recheck?: Duration | undefined;

  /**
   * How many pages may be open at a time, on this instance. One more is answered with status 503.
   *
   * @defaultValue 20
   */
  maxViewers?: number | undefined;
}
