// @ts-check
import { stateOf } from './processes.mjs';

const deadWithinMs = 10_000;

/**
 * Sends a signal to the processes of a server, of which the others may end with the first. A server that was sent SIGKILL
 * still accepts connections for a moment: this blocks the thread until it does not, so that no caller can forget to wait.
 *
 * @param {readonly [number, ...number[]]} pids
 * @param {NodeJS.Signals} name
 */
export function signal([server, ...others], name) {
  process.kill(server, name);
  for (const pid of others) send(pid, name);
  if (name !== 'SIGKILL') return;
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const isAnyAlive = () => send(server, 0) || others.some(isAlive);
  for (const deadline = Date.now() + deadWithinMs; isAnyAlive(); Atomics.wait(sleeper, 0, 0, 1))
    if (Date.now() > deadline) throw new Error(`The server (process ${server}) did not end after SIGKILL`);
}

/**
 * The watchdog reaps the server itself. Of the others, one that has ended and was not reaped yet is dead: unlike the server it
 * has no threads, which could keep connections for a moment longer.
 *
 * @param {number} pid
 */
function isAlive(pid) {
  return send(pid, 0) && stateOf(pid)?.state !== 'Z';
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals | 0} name
 */
function send(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
