import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOrThrow } from './run-command.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The files that npm takes from the top of the repository. */
const TOP = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'ARCHITECTURE.md', 'SECURITY.md', 'docs'];

export interface Packed {
  readonly tarball: string;
  /** The folder that was packed. */
  readonly staged: string;
  /** The paths inside the tarball. */
  readonly files: readonly string[];
}

/**
 * Makes the tarball that would be published, from a build of its own, so that a stale `dist` is never tested and the
 * `dist` of other tests stays as it is.
 */
export async function packPackage(folder: string): Promise<Packed> {
  const staged = path.join(folder, 'staged');
  await mkdir(staged);
  for (const name of TOP.filter((file) => existsSync(path.join(root, file)))) {
    await cp(path.join(root, name), path.join(staged, name), { recursive: true });
  }
  await runOrThrow(process.execPath, ['tools/build.mjs', path.join(staged, 'dist')], { cwd: root });
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const answer = JSON.parse(await runOrThrow('npm', args, { cwd: staged })) as PackAnswer;
  const [packed] = Object.values(answer);
  if (!packed) throw new Error('npm pack made nothing');
  return { staged, tarball: path.join(folder, packed.filename), files: packed.files.map((file) => file.path) };
}

/** npm 12 names each package; npm 11 and before list them. */
type PackAnswer = Record<string, PackedByNpm> | PackedByNpm[];

interface PackedByNpm {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}
