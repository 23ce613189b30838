import { afterAll, beforeAll } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { makeCertificates, type Certificates } from './certificates.js';
import { startRedisServer, type RedisServer } from '../../tools/redis-server/index.mjs';

const run = promisify(execFile);

export interface TlsServer {
  readonly certificates: Certificates;
  /** The server without TLS, to read and write the store directly. */
  readonly server: RedisServer;
  /** `rediss://…` */
  readonly url: string;
}

/** Why TLS cannot be tested on this machine; `undefined` if it can. */
export async function whyNoTls(): Promise<string | undefined> {
  try {
    await run('openssl', ['version']);
  } catch {
    return 'there is no openssl to make certificates with';
  }
  const server = await startRedisServer();
  await server.stop();
  try {
    // A server that was built without TLS ends at the unknown directive.
    await (await startRedisServer({ config: { 'tls-port': '0', 'tls-auth-clients': 'yes' } })).stop();
    return undefined;
  } catch (error) {
    return `this Redis server was built without TLS: ${String(error)}`;
  }
}

/** A server that asks its clients for certificates of a private authority. */
export function useTlsServer(): () => TlsServer {
  let certificates: Certificates | undefined;
  let server: RedisServer | undefined;
  let url = '';

  beforeAll(async () => {
    certificates = await makeCertificates();
    // A second free port: that of a server which has ended.
    const other = await startRedisServer();
    await other.stop();
    server = await startRedisServer({ config: { 'tls-port': String(other.port), ...certificates.config } });
    url = `rediss://127.0.0.1:${String(other.port)}`;
  });

  afterAll(async () => {
    await server?.stop();
    await certificates?.remove();
  });

  return () => {
    if (!certificates || !server) throw new Error('The server runs only from beforeAll on: read it inside tests');
    return { certificates, server, url };
  };
}
