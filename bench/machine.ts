import { createRequire } from 'node:module';
import os from 'node:os';

const require = createRequire(import.meta.url);

/** What the figures were measured on and with. */
export function describeMachine(redisVersion: string): string {
  const cpus = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const redis = /v=(\S+)/.exec(redisVersion)?.[1] ?? redisVersion;
  const packages = ['nestjs-locking', '@nestjs/core', 'ioredis'].map((name) => `${name} ${versionOf(name)}`);
  return [
    `${String(cpus.length)} × ${cpus[0]?.model.trim() ?? 'unknown CPU'}, ${String(memory)} GiB, ${os.type()} ${os.arch()}`,
    [`Node ${process.versions.node}`, `Redis ${redis} on loopback`, ...packages].join(', '),
  ].join('\n');
}

function versionOf(name: string): string {
  return (require(`${name}/package.json`) as { version: string }).version;
}
