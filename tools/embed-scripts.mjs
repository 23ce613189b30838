// @ts-check
/**
 * Writes the Lua scripts of the Redis provider, and the SQL of the PostgreSQL provider, into TypeScript modules, so that the
 * package needs no files at run time. `npm run build` does this first; a test fails when a module is stale.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const providers = new URL('../lib/providers/', import.meta.url);

/**
 * The text of a script. Comments are left out, and `--#include name` is replaced by `shared/name`.
 *
 * @param {string} source @param {URL} folder @param {string} extension
 * @returns {Promise<string>}
 */
async function render(source, folder, extension) {
  const lines = source.split('\n').map(async (line) => {
    const name = /^ *--#include (\w+)$/.exec(line)?.[1];
    if (name) return render(await read(folder, `shared/${name}${extension}`), folder, extension);
    return line.trimStart().startsWith('--') ? '' : line;
  });
  return (await Promise.all(lines)).filter((line) => line !== '').join('\n');
}

/** @param {URL} folder @param {string} name */
const read = (folder, name) => readFile(new URL(name, folder), 'utf8');

/**
 * A module with one text for each script.
 *
 * @param {string} from @param {string} extension @param {string} constant
 * @param {readonly string[]} names without extension, in the order of the module
 */
async function renderModule(from, extension, constant, names) {
  const folder = new URL(`${from}/`, providers);
  const local = from.slice(from.indexOf('/') + 1);
  let text = `// Made by tools/embed-scripts.mjs from ${local}/*${extension}. Edit those instead.\n\n`;
  text += `export const ${constant} = {\n`;
  for (const name of names) {
    const source = await render(await read(folder, `${name}${extension}`), folder, extension);
    text += `  ${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${JSON.stringify(source)},\n`;
  }
  return `${text}} as const;\n`;
}

/** @param {string} folder @param {string} extension */
async function namesIn(folder, extension) {
  const names = await readdir(new URL(`${folder}/`, providers));
  return names
    .filter((name) => name.endsWith(extension))
    .map((name) => name.slice(0, -extension.length))
    .sort();
}

/** The text that the module of the Lua scripts ought to have. */
export async function renderScripts() {
  return renderModule('redis/scripts', '.lua', 'SCRIPT_SOURCES', await namesIn('redis/scripts', '.lua'));
}

/** The text that the module of the SQL ought to have: tables before the functions that name them, shared ones first. */
export async function renderSql() {
  const shared = (await namesIn('postgres/sql/shared', '.sql')).map((name) => `shared/${name}`);
  const commands = (await namesIn('postgres/sql', '.sql')).filter((name) => name !== 'tables');
  return renderModule('postgres/sql', '.sql', 'SQL_SOURCES', ['tables', ...shared, ...commands]);
}

/** @param {string} name within `lib/providers` @param {string} text */
async function update(name, text) {
  const target = new URL(name, providers);
  const current = await readFile(target, 'utf8').catch(() => undefined);
  // In CI a stale module is an error instead of being rewritten: the committed scripts must be the tested ones.
  if (process.env.CI && text !== current) {
    console.error(`${name} is stale: run "npm run embed-scripts" and commit it`);
    process.exit(1);
  }
  // Left alone when it is up to date, so that nothing that watches the sources starts over.
  if (text !== current) await writeFile(target, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await update('redis/scripts.generated.ts', await renderScripts());
  await update('postgres/sql.generated.ts', await renderSql());
}
