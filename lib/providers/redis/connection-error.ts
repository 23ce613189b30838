import { clientCertificateMissing, clientCertificateRefused, serverNotTrusted, tlsExpected } from './redis.messages.js';

/** What OpenSSL means among all that it says. */
const OPENSSL = /SSL routines:[^:]*:([^:]*):/;

/** What Node calls a certificate that no known authority has signed, or whose time is over. */
const NOT_TRUSTED =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_(UNTRUSTED|REJECTED|SIGNATURE_FAILURE|HAS_EXPIRED|NOT_YET_VALID|REVOKED))$/;

/** Why a connection was not made, in words that name the remedy where the cause is clear. Never shows a command. */
export function sayWhy(error: Error, overTls: boolean): string {
  const code = 'code' in error ? String(error.code) : '';
  const text = (OPENSSL.exec(error.message)?.[1] ?? error.message).trim();
  if (NOT_TRUSTED.test(code)) return serverNotTrusted(text);
  if (/alert (certificate required|handshake failure)/.test(text)) return clientCertificateMissing(text);
  if (/alert (unknown ca|bad certificate|certificate (unknown|expired|revoked))/.test(text)) {
    return clientCertificateRefused(text);
  }
  // With TLS 1.3 the server says what it misses only after it has been written to, and that may be too late to be read.
  if (code === 'ECONNRESET' || code === 'EPIPE') return overTls ? clientCertificateMissing(text) : tlsExpected(text);
  return text;
}
