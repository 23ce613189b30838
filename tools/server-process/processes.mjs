// @ts-check
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * What Linux tells of a process; nothing where there is no such process, or no Linux.
 *
 * @param {number} pid
 */
export function stateOf(pid) {
  try {
    // The name of the program, in brackets, may have spaces; the state and the parent follow it.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/**
 * The processes that `parent` has started.
 *
 * @param {number} parent
 */
export function childrenOf(parent) {
  if (process.platform === 'linux') {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => stateOf(pid)?.parent === parent);
  }
  const listed = execFileSync('pgrep', ['-P', String(parent)], { encoding: 'utf8' });
  return listed.split('\n').filter(Boolean).map(Number);
}
