// @ts-check
import { readdir } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { readImports } from './read-imports.mjs';

/** @typedef {import('./read-imports.mjs').Import} Import */

/**
 * - No file may import a package that is neither a peer dependency nor part of Node: it might not be installed.
 * - No file that `index.js` loads may import an optional peer, but by `import()`: it would be needed at once.
 *
 * @param {string} folder the built ES modules
 * @param {import('./find-problems.mjs').Manifest} manifest
 * @returns {Promise<import('./find-problems.mjs').ImportsChecked>}
 */
export async function findProblems(folder, { peerDependencies = {}, peerDependenciesMeta = {} }) {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.js')).sort();
  /** @type {Map<string, Import[]>} */
  const imports = new Map();
  for (const name of names) imports.set(path.join(folder, name), await readImports(path.join(folder, name)));

  const chains = loadedFrom(path.join(folder, 'index.js'), imports);
  const problems = [];
  for (const [file, specifiers] of imports) {
    for (const { specifier, isDynamic } of specifiers.filter((found) => isPackage(found.specifier))) {
      const name = packageOf(specifier);
      const at = `${path.relative(folder, file)}: ${isDynamic ? 'import()' : 'import'} of ${specifier}`;
      const chain = chains.get(file);
      if (!(name in peerDependencies)) {
        problems.push(`${at}, which is neither a peer dependency nor part of Node`);
      } else if (!isDynamic && chain && peerDependenciesMeta[name]?.optional) {
        const way = chain.map((step) => path.relative(folder, step)).join(' > ');
        problems.push(`${at}, an optional peer, is loaded by ${way}. Use "import type" or import() instead`);
      }
    }
  }
  return { files: names.length, problems };
}

/**
 * The files that loading `entry` loads, each with the way that leads to it. Modules loaded on demand are none of them.
 *
 * @param {string} entry
 * @param {Map<string, Import[]>} imports
 */
function loadedFrom(entry, imports) {
  if (!imports.has(entry)) throw new Error(`There is no ${entry}. Run: npm run build`);
  const chains = new Map([[entry, [entry]]]);
  for (const [file, chain] of chains) {
    for (const { specifier, isDynamic } of imports.get(file) ?? []) {
      if (isDynamic || !specifier.startsWith('.')) continue;
      const next = path.resolve(path.dirname(file), specifier);
      if (!chains.has(next)) chains.set(next, [...chain, next]);
    }
  }
  return chains;
}

/** @param {string} specifier */
function isPackage(specifier) {
  return !specifier.startsWith('.') && !isBuiltin(specifier);
}

/** @param {string} specifier */
function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
