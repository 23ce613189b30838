import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CommandResult {
  /** `null` if the command was killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout?: number;
}

/** Runs a command to its end, or until the timeout kills it. */
export async function runCommand(command: string, args: string[], options: CommandOptions): Promise<CommandResult> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...outerEnvironment(), ...options.env },
    timeout: options.timeout ?? 60_000,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Like {@link runCommand}, but throws if the command fails. */
export async function runOrThrow(command: string, args: string[], options: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, options);
  if (code === 0) return stdout;
  throw new Error(`${[command, ...args].join(' ')} ended with ${String(code)}:\n${stdout}${stderr}`);
}

/** Leaves out the variables that `npm test` and Jest add, as they name this package, not the application under test. */
function outerEnvironment(): Record<string, string | undefined> {
  const added = /^(npm_(package|lifecycle)_|npm_config_local_prefix$|INIT_CWD$|NODE_ENV$|NODE_OPTIONS$|JEST_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !added.test(name)));
}
