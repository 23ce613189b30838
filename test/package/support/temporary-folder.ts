import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Outside the repository: nothing in it may be found by walking up from here. */
export async function makeTemporaryFolder(): Promise<string> {
  return realpath(await mkdtemp(path.join(tmpdir(), 'nestjs-locking-')));
}

export async function removeFolder(folder: string | undefined): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}
