import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { StoreName } from './contenders/open.js';
import type { Participant } from './contenders/participants.js';
import { PEERS_FOLDER } from './peers/location.js';
import type { Machine } from './report/results.js';

const require = createRequire(import.meta.url);

const SERVERS = {
  redis: { name: 'Redis', version: /v=(\S+)/ },
  postgres: { name: 'PostgreSQL', version: /\) (\S+)/ },
} as const;

/** The machine of the figures. `version` is the first line of what the server prints with `--version`. */
export function describeMachine(store: StoreName, version: string): Machine {
  const server = SERVERS[store];
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.arch()}`,
    node: process.versions.node,
    server: `${server.name} ${server.version.exec(version)?.[1] ?? version}`,
  };
}

/** The versions of this library and its peers. */
export function listVersions(participants: readonly Participant[]): Record<string, string> {
  const own = ['nestjs-locking', '@nestjs/core', 'ioredis'].map((name) => [
    name,
    versionIn(require.resolve(`${name}/package.json`)),
  ]);
  // Read from its path, as not every package exports its package.json.
  const peers = participants
    .filter(({ kind, name }) => kind === 'peer' && name !== 'pg_advisory_lock')
    .map(({ name }) => [name, versionIn(path.join(PEERS_FOLDER, 'node_modules', name, 'package.json'))]);
  return Object.fromEntries([...own, ...peers]) as Record<string, string>;
}

function versionIn(file: string): string {
  // One of these packages writes a `v` in front.
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version.replace(/^v/, '');
}
