import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type Program = ChildProcessByStdio<null, Readable, Readable>;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Compiles `sample/` against the built package, as `npm run build:sample` does after its build. */
export function buildSample(): void {
  const tsc = 'node_modules/@typescript/native/bin/tsc';
  execFileSync(process.execPath, [tsc, '-p', 'sample/tsconfig.json'], { cwd: root, stdio: 'inherit' });
}

/** Starts a program in a process group of its own, which a test can signal as a terminal does on Ctrl-C. */
export function startProgram(file: string, args: string[], env: Record<string, string>): Program {
  return spawn(process.execPath, [file, ...args], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Resolves with the outcome of a program. Call it at once: output before the call is not in the result. */
export async function ended(program: Program): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  program.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  program.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code] = (await once(program, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
