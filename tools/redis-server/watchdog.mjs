// @ts-check
// Runs one Redis server for the process that forked it, and ends the server when that process asks for it or ends
// itself: the system closes the channel between the two even after a SIGKILL, when no exit handler runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const graceMs = 3_000;
const keptLogChars = 4_000;

const dir = mkdtempSync(join(tmpdir(), 'nestjs-locking-redis-'));
/** @type {import('node:child_process').ChildProcess | undefined} */
let server;
let leaving = false;
/** Starts and stops run one after the other. */
let queue = Promise.resolve();

/** @param {import('./supervisor.mjs').StartRequest} request */
async function start({ command, args, config, keepConfig, mode = [] }) {
  await stop();
  if (leaving) return;
  const configFile = join(dir, 'redis.conf');
  // A server that takes part in failovers has written its present role there, and must keep it.
  if (!keepConfig || !existsSync(configFile)) writeFileSync(configFile, config, { mode: 0o600 });
  const child = spawn(command, [...args, configFile, ...mode], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  server = child;

  let log = '';
  /** @param {Buffer} chunk */
  const keep = (chunk) => (log = (log + chunk).slice(-keptLogChars));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('spawn', () => report({ type: 'started', pid: child.pid, dir }));
  child.on('error', (error) => report({ type: 'failed', message: error.message }));
  child.on('close', () => report({ type: 'exited', pid: child.pid, log }));
}

async function stop() {
  const child = server;
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  // A server held by SIGSTOP gets the SIGTERM only once it runs again.
  child.kill('SIGCONT');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(timer);
}

/** @param {Record<string, unknown>} message */
function report(message) {
  // The parent may just have ended; the disconnect handler deals with that.
  if (process.connected) process.send?.(message, () => {});
}

function leave() {
  if (leaving) return;
  leaving = true;
  queue = queue.then(stop).finally(() => {
    rmSync(dir, { recursive: true, force: true });
    process.exit();
  });
}

process.on('message', (request) => {
  queue = queue
    .then(() => start(/** @type {import('./supervisor.mjs').StartRequest} */ (request)))
    .catch((error) => report({ type: 'failed', message: String(error) }));
});
process.on('disconnect', leave);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, leave);
