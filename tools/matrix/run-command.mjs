// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

// The commands that run end with this process.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => {
    killAll();
    process.kill(process.pid, signal);
  });
}
process.on('exit', killAll);

/**
 * @typedef {object} Command
 * @property {readonly string[]} argv
 * @property {string} cwd
 * @property {Record<string, string | undefined>} env
 * @property {string} log the file that its output is appended to
 * @property {number} timeoutMs
 *
 * @param {Command} command
 * @returns {Promise<boolean>} whether it ended well
 */
export async function runCommand({ argv, cwd, env, log, timeoutMs }) {
  const [program = '', ...args] = argv;
  const file = await open(log, 'a');
  try {
    await file.write(`\n$ ${argv.join(' ')}\n`);
    // A process group of its own, so that its child processes end with it.
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', file.fd, file.fd], detached: true });
    running.add(child);
    const timer = setTimeout(() => kill(child), timeoutMs);
    try {
      const [code, signal] = await once(child, 'exit');
      await file.write(`\n(ended with ${signal ?? code})\n`);
      return code === 0;
    } finally {
      clearTimeout(timer);
      running.delete(child);
    }
  } finally {
    await file.close();
  }
}

/**
 * For commands that use the network.
 *
 * @param {Command} command
 */
export async function runWithRetries(command) {
  for (const pauseMs of [5_000, 20_000]) {
    if (await runCommand(command)) return true;
    await delay(pauseMs);
  }
  return await runCommand(command);
}

/**
 * @param {string} log
 * @param {number} lines
 */
export async function endOf(log, lines) {
  return (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-lines).join('\n');
}

/** @param {import('node:child_process').ChildProcess} child */
function kill(child) {
  try {
    if (child.pid) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The process has just ended.
  }
}

function killAll() {
  for (const child of running) kill(child);
}
