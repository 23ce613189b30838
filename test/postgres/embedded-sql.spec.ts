import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { SCHEMA_VERSION } from '../../lib/providers/postgres/schema-sql.js';
import { SQL_SOURCES } from '../../lib/providers/postgres/sql.generated.js';

const lib = new URL('../../lib/providers/postgres/', import.meta.url);

/** A hash of all SQL of each version of the schema. */
const RELEASED: Readonly<Record<number, string>> = {};

describe('the embedded SQL', () => {
  it('is that of the .sql files: run `npm run build` when this fails', async () => {
    const tool = new URL('../../tools/embed-scripts.mjs', import.meta.url).pathname;
    const { renderSql } = (await import(tool)) as { renderSql: () => Promise<string> };
    expect(await readFile(new URL('sql.generated.ts', lib), 'utf8')).toBe(await renderSql());
  });

  it('has a header in each file of a command that tells of the request and of what is returned', async () => {
    const names = (await readdir(new URL('sql/', lib))).filter(
      (name) => name.endsWith('.sql') && name !== 'tables.sql',
    );
    expect(names.length).toBeGreaterThan(5);
    for (const name of names) {
      const [header] = (await readFile(new URL(`sql/${name}`, lib), 'utf8')).split(/^(?!--)/m);
      expect(header).toMatch(/^-- request {4}\{/m);
      expect(header).toMatch(/^-- Returns a JSON array: when the server was started/m);
    }
  });

  it('names the schema before each table and function of its own, and gives each function a version', () => {
    const { tables, ...functions } = SQL_SOURCES;
    const own = [...tables.matchAll(/TABLE \{schema\}\.(\w+)/g)].map(([, name]) => name);
    expect(own).toEqual(['meta', 'lease', 'queue', 'record']);
    for (const sql of Object.values(functions)) {
      expect(sql).not.toMatch(/(?:FROM|INTO|UPDATE|JOIN) (?:meta|lease|queue|record)\b/);
      expect(sql.replaceAll(/\{schema\}\.\w+_v\d+\(/g, '')).not.toMatch(/_v\d+\(/);
      for (const [, name] of sql.matchAll(/FUNCTION \{schema\}\.(\w+)\(/g)) expect(name).toMatch(/_v1$/);
    }
  });

  it('changes only with a new version of the schema, once a version is released', () => {
    const hash = createHash('sha256').update(JSON.stringify(SQL_SOURCES)).digest('hex');
    expect(RELEASED[SCHEMA_VERSION] ?? hash).toBe(hash);
  });
});
