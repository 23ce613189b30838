import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../support/pack.js';
import { runCommand, runOrThrow, type CommandResult } from '../../support/run-command.js';

const fixtures = path.join(root, 'test/package/fixtures');

/** The compilers of this repository; the applications' own `node_modules` hold the types. */
const COMPILERS = {
  tsc7: path.join(root, 'node_modules/@typescript/native/bin/tsc'),
  /** For Nest 11 applications, whose settings TypeScript 7 no longer knows. */
  tsc6: path.join(root, 'node_modules/typescript/bin/tsc6'),
};

/** A finished run of an application. */
export interface ApplicationRun extends CommandResult {
  /** Its output as JSON, if it ended without an error. */
  readonly report: unknown;
}

/** An application in a folder of its own with the packed package and its own dependencies installed. */
export class Consumer {
  private constructor(readonly folder: string) {}

  static async install(fixture: string, folder: string, tarball: string): Promise<Consumer> {
    await cp(path.join(fixtures, fixture), folder, { recursive: true });
    await cp(path.join(fixtures, 'app'), path.join(folder, 'src'), { recursive: true });
    const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as Manifest;
    manifest.dependencies['nestjs-locking'] = `file:${tarball}`;
    await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
    const consumer = new Consumer(folder);
    await consumer.npmInstall();
    return consumer;
  }

  /** Adds sources that need the packages installed last. */
  async add(sources: string): Promise<void> {
    await cp(path.join(fixtures, sources), path.join(this.folder, 'src'), { recursive: true });
  }

  /** Installs one more package, or everything; a conflict of peers fails it. */
  async npmInstall(...packages: string[]): Promise<void> {
    const args = ['install', '--strict-peer-deps', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
    await runOrThrow('npm', [...args, ...packages], { cwd: this.folder, timeout: 180_000 });
  }

  /** Throws with the compiler's output if there is an error. */
  async compile(compiler: keyof typeof COMPILERS, ...args: string[]): Promise<void> {
    await runOrThrow(process.execPath, [COMPILERS[compiler], ...args], { cwd: this.folder });
  }

  /**
   * Runs a compiled file. Its last line is its report; before it Nest may have warned of a late timer on a busy
   * machine. `code` is `null` if it did not end by itself within twenty seconds.
   */
  async run(nodeArgs: string[], env: Record<string, string> = {}): Promise<ApplicationRun> {
    const result = await runCommand(process.execPath, nodeArgs, { cwd: this.folder, env, timeout: 20_000 });
    const lastLine = result.stdout.trimEnd().split('\n').at(-1) ?? '';
    return { ...result, report: result.code === 0 ? JSON.parse(lastLine) : undefined };
  }
}

interface Manifest {
  dependencies: Record<string, string>;
}
