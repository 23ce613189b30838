// @ts-check
// Runs one server for the process that forked it, and ends the server when that process asks for it or ends itself: the
// system closes the channel between the two even after a SIGKILL, when no exit handler runs.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const graceMs = 3_000;
const keptLogChars = 4_000;

const dir = mkdtempSync(join(tmpdir(), 'nestjs-locking-server-'));
/** @type {import('node:child_process').ChildProcess | undefined} */
let server;
/** @type {NodeJS.Signals} */
let stopSignal = 'SIGTERM';
let leaving = false;
/** Starts and stops run one after the other. */
let queue = Promise.resolve();

/** @param {import('./supervisor.mjs').StartRequest} request */
async function start(request) {
  await stop();
  if (leaving) return;
  prepare(request);
  stopSignal = request.stopSignal ?? 'SIGTERM';
  const args = request.args.map((arg) => arg.replace('{dir}', dir));
  const child = spawn(request.command, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], ...request.user });
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

/** @param {import('./supervisor.mjs').StartRequest} request */
function prepare({ files = [], copies = [], removes = [], user }) {
  for (const { from, to } of copies) {
    if (!existsSync(join(dir, to))) execFileSync('cp', ['-R', from, join(dir, to)]);
  }
  for (const { name, text, keeps = false } of files) {
    const file = join(dir, name);
    if (!keeps || !existsSync(file)) writeFileSync(file, text, { mode: 0o600 });
  }
  for (const name of removes) rmSync(join(dir, name), { force: true });
  if (!user) return;
  for (const name of ['', ...files.map((file) => file.name)]) chownSync(join(dir, name), user.uid, user.gid);
  for (const { to } of copies) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, join(dir, to)]);
}

async function stop() {
  const child = server;
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(stopSignal);
  // A server held by SIGSTOP gets the signal only once it runs again.
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
