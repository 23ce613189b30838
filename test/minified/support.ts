import { minify, type JsMinifyOptions } from '@swc/core';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The default of bundlers: no class and no function keeps its name. */
const OPTIONS: JsMinifyOptions = {
  compress: false,
  mangle: { toplevel: true, keep_classnames: false, keep_fnames: false },
  module: false,
};

/** ioredis 6 returns this name as a text; ioredis 5 takes it from the class, like all others. */
const AS_IOREDIS_5 = ['return "ReplyError";', 'return this.constructor.name;'] as const;

async function minifyAll(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true });
  for (const name of files) {
    if (!name.endsWith('.js') || name.includes('node_modules')) continue;
    const file = path.join(folder, name);
    const source = (await readFile(file, 'utf8')).replaceAll(...AS_IOREDIS_5);
    await writeFile(file, (await minify(source, OPTIONS)).code);
  }
}

/**
 * A folder with this package (`lib`) and ioredis, minified by a bundler. It is in the project, where all other packages
 * are found.
 */
export async function makeMinifiedApplication(program: string): Promise<string> {
  await mkdir(path.join(ROOT, '.cache'), { recursive: true });
  const folder = await mkdtemp(path.join(ROOT, '.cache/minified-'));
  const packages = ['ioredis', 'redis-errors'];
  await cp(path.join(ROOT, 'dist/cjs'), path.join(folder, 'lib'), { recursive: true });
  for (const name of packages) {
    const copy = path.join(folder, 'node_modules', name);
    await cp(path.join(ROOT, 'node_modules', name), copy, { recursive: true, dereference: true });
    await minifyAll(copy);
  }
  await minifyAll(path.join(folder, 'lib'));
  await writeFile(path.join(folder, 'program.mjs'), program);
  return folder;
}

export async function removeApplication(folder: string | undefined): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}
