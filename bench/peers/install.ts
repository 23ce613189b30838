import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PEERS_FOLDER } from './location.js';

const MARKER = path.join(PEERS_FOLDER, 'node_modules/.installed');
const GIVE_UP_AFTER_MS = 5 * 60_000;

/** Installs the peers as their lock file says. Rejects without a network. */
export async function installPeers(interrupted: AbortSignal): Promise<void> {
  const lockFile = await readFile(path.join(PEERS_FOLDER, 'package-lock.json'));
  const wanted = createHash('sha256').update(lockFile).digest('hex');
  const installed = await readFile(MARKER, 'utf8').catch(() => undefined);
  if (installed === wanted) return;
  await npm(['ci', '--loglevel=error'], interrupted);
  await writeFile(MARKER, wanted);
}

async function npm(args: readonly string[], signal: AbortSignal): Promise<void> {
  // The npm that runs this script: on Windows, `spawn` cannot start the plain name.
  const script = process.env.npm_execpath;
  const [command, first] = script ? [process.execPath, [script]] : ['npm', []];
  const child = spawn(command, [...first, ...args], {
    cwd: PEERS_FOLDER,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: GIVE_UP_AFTER_MS,
    signal,
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(complaint.trim().split('\n')[0] ?? `npm ended with ${String(code)}`);
}
