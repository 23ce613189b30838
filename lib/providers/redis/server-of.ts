import type { Redis } from 'ioredis';

const IPV4_IN_IPV6 = /^::ffff:/i;

/** The server at the other end, as `ip:port`; '' while there is none, or where it is no network connection. */
export function serverOf({ stream }: Redis): string {
  // Typed as always there, which it is only once it has been tried.
  const { remoteAddress, remotePort } = (stream as Redis['stream'] | undefined) ?? {};
  return remoteAddress === undefined ? '' : `${remoteAddress.replace(IPV4_IN_IPV6, '')}:${String(remotePort)}`;
}
