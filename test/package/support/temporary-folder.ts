import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Outside the repository, so that nothing in it is found in a parent folder. */
export async function makeTemporaryFolder(): Promise<string> {
  return realpath(await mkdtemp(path.join(tmpdir(), 'nestjs-locking-')));
}

export async function removeFolder(folder: string | undefined): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}
