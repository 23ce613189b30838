import { ForbiddenException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { isIP } from 'node:net';
import { hostNotAllowed } from './dashboard.messages.js';
import { hostOf, type PageRequest } from './page-request.js';

/** Names that no other site can have. */
export const LOCAL_HOSTS: readonly string[] = ['localhost', '.localhost'];

/** Refuses requests to a server by a name that it does not have: those of a page whose site points its name here. */
export class HostGuard implements CanActivate {
  constructor(
    private readonly allowed: readonly string[] | true,
    private readonly trustProxy: boolean,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.allowed === true) return true;
    const host = hostOf(context.switchToHttp().getRequest<PageRequest>(), this.trustProxy);
    const name = nameOf(host);
    if (name === undefined || !this.isAllowed(name)) throw new ForbiddenException(hostNotAllowed(host));
    return true;
  }

  private isAllowed(name: string): boolean {
    // An address is looked up nowhere: no other site can make it its own.
    if (this.allowed === true || isIP(name.replace(/^\[|\]$/g, '')) !== 0) return true;
    return this.allowed.some((one) => {
      const allowed = one.toLowerCase();
      return allowed.startsWith('.') ? name === allowed.slice(1) || name.endsWith(allowed) : name === allowed;
    });
  }
}

/** The name without its port, as browsers write it. */
function nameOf(host: string | undefined): string | undefined {
  if (host === undefined || /[/?#@\\\s]/.test(host)) return undefined;
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : undefined;
}
