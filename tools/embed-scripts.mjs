// @ts-check
/**
 * Writes the Lua scripts of the Redis provider into a TypeScript module, so that the package needs no files at run
 * time. `npm run build` does this first; a test fails when the module is stale.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const folder = new URL('../lib/providers/redis/scripts/', import.meta.url);
const target = new URL('../lib/providers/redis/scripts.generated.ts', import.meta.url);

/** Leaves out comments and replaces a line `--#include name` by `shared/name.lua`. @param {string} source */
async function render(source) {
  const lines = source.split('\n').map(async (line) => {
    const name = /^--#include (\w+)$/.exec(line)?.[1];
    if (name) return render(await readFile(new URL(`shared/${name}.lua`, folder), 'utf8'));
    return line.trimStart().startsWith('--') ? '' : line;
  });
  return (await Promise.all(lines)).filter((line) => line !== '').join('\n');
}

/** The text that the module ought to have. */
export async function renderScripts() {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.lua')).sort();
  let text = '// Made by tools/embed-scripts.mjs from scripts/*.lua. Edit those instead.\n\n';
  text += 'export const SCRIPT_SOURCES = {\n';
  for (const name of names) {
    const source = await render(await readFile(new URL(name, folder), 'utf8'));
    text += `  ${name.slice(0, -'.lua'.length)}: ${JSON.stringify(source)},\n`;
  }
  return `${text}} as const;\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await renderScripts();
  const current = await readFile(target, 'utf8').catch(() => undefined);
  // In CI a stale module is an error instead of being rewritten: the committed scripts must be the tested ones.
  if (process.env.CI && text !== current) {
    console.error('scripts.generated.ts is stale: run "npm run embed-scripts" and commit it');
    process.exit(1);
  }
  // A module that is up to date keeps its time stamp, so that watchers of the sources do not start over.
  if (text !== current) await writeFile(target, text);
}
