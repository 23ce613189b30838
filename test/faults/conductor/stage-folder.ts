import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Seen from the compiled harness, in `dist-test/faults/conductor` or a similar folder. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const COMPILED = fileURLToPath(new URL('../..', import.meta.url));

/** The folder of one run: its history, and the application that its workers run. */
export interface StageFolder {
  readonly history: string;
  readonly workerScript: string;
  remove(): Promise<void>;
}

/** Copies the build that workers run, as workers are started during the whole run and a build may happen meanwhile. */
export async function createStageFolder(): Promise<StageFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-locking-faults-'));
  const history = join(folder, 'history');
  const application = join(folder, 'application');
  await mkdir(history);
  await mkdir(application);
  await cp(COMPILED, join(application, 'dist-test'), { recursive: true });
  for (const part of ['dist', 'package.json']) {
    await cp(join(ROOT, part), join(application, part), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(application, 'node_modules'));
  return {
    history,
    workerScript: join(application, 'dist-test/faults/worker/main.js'),
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
}
