// @ts-check
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findNode } from './node-binary.mjs';
import { copyProject, installPackages } from './project-copy.mjs';
import { runCommand } from './run-command.mjs';

/**
 * Everything before the tests: Node, a copy of the project with its packages, the build, and the compiler over all.
 *
 * @param {import('./columns.mjs').Column} column
 * @param {{ root: string, cacheDir: string, folder: string, log: string }} places
 * @returns {Promise<{ env: Record<string, string | undefined> } | { problem: string }>} how to run programs in the copy
 */
export async function prepareColumn(column, { root, cacheDir, folder, log }) {
  const bin = await findNode(column.node, cacheDir, { env: environment(), log });
  if (!bin) return { problem: `Node ${column.node} could not be had` };
  const env = environment(bin);
  await copyProject(root, folder, column.packages);
  if (!(await installPackages(folder, { env, log }))) return { problem: 'npm install failed' };
  await excludeFromTypes(path.join(folder, 'tsconfig.json'), column);
  const steps = {
    build: ['node', 'tools/build.mjs'],
    'type check': ['node', 'node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.json'],
  };
  for (const [name, argv] of Object.entries(steps)) {
    const well = await runCommand({ argv, cwd: folder, env, log, timeoutMs: 300_000 });
    if (!well) return { problem: `the ${name} failed` };
  }
  return { env };
}

/**
 * @param {string} file
 * @param {import('./columns.mjs').Column} column
 */
async function excludeFromTypes(file, { omitted = [] }) {
  const config = JSON.parse(await readFile(file, 'utf8'));
  config.exclude.push(...omitted.flatMap((each) => each.path ?? []));
  await writeFile(file, JSON.stringify(config));
}

/**
 * This process's, without what `npm run` added about this project, and without a choice of server.
 *
 * @param {string} [bin] comes first on the PATH
 * @returns {Record<string, string | undefined>}
 */
function environment(bin) {
  const strange = /^(npm_|INIT_CWD$|NODE_ENV$|NODE_OPTIONS$|REDIS_SERVER)/;
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !strange.test(name)));
  return bin ? { ...own, PATH: `${bin}:${own.PATH ?? ''}` } : own;
}
