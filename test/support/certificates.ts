import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Texts for a client, and files for a server. */
export interface Certificates {
  readonly ca: string;
  /** Another authority, which has signed none of the certificates. */
  readonly otherCa: string;
  readonly client: { readonly cert: string; readonly key: string };
  /** The server's side, as `redis.conf` names it. */
  readonly config: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** Makes a private authority, and certificates for a server on this machine and for a client. */
export async function makeCertificates(): Promise<Certificates> {
  const dir = await mkdtemp(join(tmpdir(), 'nestjs-locking-tls-'));
  const file = (name: string): string => join(dir, name);
  const openssl = async (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: dir });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  const authority = async (name: string): Promise<void> => {
    await openssl(
      'req',
      '-x509',
      ...newKey,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
    );
  };
  const signed = async (name: string): Promise<void> => {
    await openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    await writeFile(file('names.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names.cnf'];
    await openssl('x509', '-req', '-days', '2', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`);
  };

  try {
    await authority('ca');
    await authority('other-ca');
    await signed('server');
    await signed('client');
    const text = async (name: string): Promise<string> => readFile(file(name), 'utf8');
    return {
      ca: await text('ca.crt'),
      otherCa: await text('other-ca.crt'),
      client: { cert: await text('client.crt'), key: await text('client.key') },
      config: {
        'tls-ca-cert-file': file('ca.crt'),
        'tls-cert-file': file('server.crt'),
        'tls-key-file': file('server.key'),
        'tls-auth-clients': 'yes',
      },
      remove: async () => rm(dir, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}
