// @ts-check
import { readdir } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { readImports } from './read-imports.mjs';

/** @typedef {import('./read-imports.mjs').Import} Import */

/** The optional peers that each entry point may rely on: applications that import it have installed them. */
/** @type {Record<string, readonly string[]>} */
const OWN_PEERS = {
  './schedule': ['@nestjs/schedule'],
  './bullmq': ['bullmq'],
  './prometheus': ['prom-client'],
  './opentelemetry': ['@opentelemetry/api'],
  './terminus': ['@nestjs/terminus'],
};

/**
 * - No file may import a package that is neither a peer dependency nor part of Node: it might not be installed.
 * - No file that an entry point loads may import an optional peer, except by `import()`: it would be needed at once. An
 *   entry point for the users of an optional peer may import that peer.
 *
 * @param {string} folder the built ES modules
 * @param {import('./find-problems.mjs').Manifest} manifest
 * @returns {Promise<import('./find-problems.mjs').ImportsChecked>}
 */
export async function findProblems(folder, manifest) {
  const { peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.js')).sort();
  /** @type {Map<string, Import[]>} */
  const imports = new Map();
  for (const name of names) imports.set(path.join(folder, name), await readImports(path.join(folder, name)));

  const entries = entriesOf(folder, manifest).filter(({ name, file }) => name === '.' || imports.has(file));
  const loaded = entries.map(({ name, file }) => ({ own: OWN_PEERS[name] ?? [], chains: loadedFrom(file, imports) }));
  /** @type {Set<string>} */
  const problems = new Set();
  for (const [file, specifiers] of imports) {
    for (const { specifier, isDynamic } of specifiers.filter((found) => isPackage(found.specifier))) {
      const name = packageOf(specifier);
      const at = `${path.relative(folder, file)}: ${isDynamic ? 'import()' : 'import'} of ${specifier}`;
      if (!(name in peerDependencies)) {
        problems.add(`${at}, which is neither a peer dependency nor part of Node`);
      } else if (!isDynamic && peerDependenciesMeta[name]?.optional) {
        for (const { own, chains } of loaded) {
          const chain = chains.get(file);
          if (!chain || own.includes(name)) continue;
          const way = chain.map((step) => path.relative(folder, step)).join(' > ');
          problems.add(`${at}, an optional peer, is loaded by ${way}. Use "import type" or import() instead`);
        }
      }
    }
  }
  return { files: names.length, problems: [...problems] };
}

/**
 * Where each entry point of the package begins, in `folder`.
 *
 * @param {string} folder
 * @param {import('./find-problems.mjs').Manifest} manifest
 */
function entriesOf(folder, { exports = {} }) {
  const entries = [{ name: '.', file: path.join(folder, 'index.js') }];
  for (const [name, conditions] of Object.entries(exports)) {
    const file = typeof conditions === 'string' ? undefined : conditions.import?.default;
    const inFolder = file && /^\.\/dist\/esm\/(.+)$/.exec(file)?.[1];
    if (name !== '.' && inFolder) entries.push({ name, file: path.join(folder, inFolder) });
  }
  return entries;
}

/**
 * The files that loading `entry` loads, each with the way that leads to it, without modules that are loaded on demand.
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
