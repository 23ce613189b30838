#!/usr/bin/env node
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { run } from './run.js';

/** Three folders above this file, which npm starts through a link. */
function readVersion(): string {
  const manifest = path.resolve(path.dirname(realpathSync(process.argv[1] ?? '')), '../../../package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

const { stdin, stdout, stderr, env } = process;
void run(process.argv.slice(2), { stdin, stdout, stderr, env, version: readVersion() }).then((code) => {
  // A store that does not answer any more must not keep the process.
  process.exit(code);
});
