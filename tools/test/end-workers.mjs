// @ts-check
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Ends the child processes of this one, and describes their state (blocked, stopped, gone), so that a run that hung can
 * be understood. Linux only: elsewhere it does nothing.
 *
 * @returns {string}
 */
export function endWorkers() {
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.flatMap((pid) => endChild(pid)).join('\n');
  } catch {
    return '';
  }
}

/**
 * @param {string} pid
 * @returns {string[]}
 */
function endChild(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    if (!status.includes(`\nPPid:\t${process.pid}\n`)) return [];
    const [state, memory] = [/^State:\s+(.*)$/m, /^VmRSS:\s+(.*)$/m].map((line) => line.exec(status)?.[1]);
    // After the name in brackets: user and system time are the 12th and 13th field.
    const times = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
      .slice(11, 13);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    process.kill(Number(pid), 'SIGKILL');
    return [`process ${pid}: ${state}, ${memory}, ticks of processor time: ${times.join(' + ')}: ${command}`];
  } catch {
    return [];
  }
}
