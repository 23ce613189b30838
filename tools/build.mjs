// @ts-check
/**
 * Builds the package: ES modules and CommonJS, from the same sources.
 *
 *     node tools/build.mjs [folder]     (`dist` when absent)
 *
 * The outputs are made beside the folder and moved into place at the end: a process that reads the folder meanwhile
 * (another test run, a started sample) finds a whole build, and a failed build leaves the last one.
 */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
const tsc = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')),
  'bin/tsc',
);

/** @param {string[]} args */
const node = (...args) => execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });

await mkdir(path.dirname(target), { recursive: true });
const staging = await mkdtemp(`${target}-`);
try {
  const fresh = path.join(staging, 'new');
  node('tools/embed-scripts.mjs');
  node(tsc, '-p', 'tsconfig.build.json', '--outDir', path.join(fresh, 'esm'));
  node(tsc, '-p', 'tsconfig.build.cjs.json', '--outDir', path.join(fresh, 'cjs'));
  await writeFile(path.join(fresh, 'cjs/package.json'), '{"type":"commonjs"}\n');
  // npm makes it executable where it installs the package, but not where it links this folder.
  await chmod(path.join(fresh, 'esm/cli/main.js'), 0o755);
  await replaceTarget(fresh);
} catch (error) {
  // The compiler has printed what is wrong.
  if (!(error instanceof Error && 'status' in error)) throw error;
  process.exitCode = 1;
} finally {
  await rm(staging, { recursive: true, force: true });
}

/** @param {string} fresh */
async function replaceTarget(fresh) {
  for (let attempt = 1; ; attempt++) {
    await rename(target, path.join(staging, `old-${attempt}`)).catch(onlyIf('ENOENT'));
    try {
      return await rename(fresh, target);
    } catch (error) {
      // Another build was faster: its output goes as well.
      if (attempt === 3) throw error;
      onlyIf('ENOTEMPTY', 'EEXIST')(error);
    }
  }
}

/** @param {...string} codes */
function onlyIf(...codes) {
  return (/** @type {unknown} */ error) => {
    if (!codes.includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error;
  };
}
