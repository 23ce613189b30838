import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand, type CommandResult } from './run-command.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The command as it was built. */
export const CLI = path.join(root, 'dist/esm/cli/main.js');

/** Runs the built command as a process of its own. No variable of the store comes from outside. */
export async function cli(args: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  return runCommand(process.execPath, [CLI, ...args], { cwd: root, env, timeout: 120_000 });
}

/** The objects that a command has printed, one per line. */
export function jsonLines({ stdout }: CommandResult): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
