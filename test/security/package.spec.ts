import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readJson = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Record<string, unknown>;

interface Locked {
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Record<string, string>;
}

const manifest = readJson('package.json');
const locked = readJson('package-lock.json').packages as Record<string, Locked>;

/** Where npm installs the `name` that a package imports: in its own folder, or in the nearest above that has one. */
function placeOf(name: string, dependent: string): string {
  const place = path.posix.join(dependent, 'node_modules', name);
  if (place in locked) return place;
  if (!dependent) throw new Error(`${name} is not in the lock file`);
  return placeOf(name, dependent.slice(0, Math.max(0, dependent.lastIndexOf('/node_modules/'))));
}

describe('the package', () => {
  it('the package runs nothing when it is installed', () => {
    const scripts = Object.keys(manifest.scripts as object);
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'preprepare', 'postprepare']) {
      expect(scripts).not.toContain(name);
    }
    expect(manifest).not.toHaveProperty('gypfile');
  });

  it('the package has no dependencies', () => {
    for (const kind of ['dependencies', 'optionalDependencies', 'bundledDependencies', 'bundleDependencies']) {
      expect(manifest).not.toHaveProperty(kind);
    }
  });

  it('the optional peer and its dependencies run nothing when they are installed', () => {
    const seen = new Set<string>();
    const visit = (name: string, dependent: string): void => {
      const place = placeOf(name, dependent);
      if (seen.has(place)) return;
      seen.add(place);
      const entry = locked[place]!;
      expect([place, entry.hasInstallScript ?? false]).toEqual([place, false]);
      for (const dependency of Object.keys(entry.dependencies ?? {})) visit(dependency, place);
    };
    visit('ioredis', '');
    expect(seen.size).toBeGreaterThan(1);
  });
});

describe('random values', () => {
  it('random values come from node:crypto, except for the pace of polling and refreshing, and the choice of a node', () => {
    const files = readdirSync(path.join(root, 'lib'), { recursive: true, encoding: 'utf8' });
    const careless = files.filter(
      (file) => file.endsWith('.ts') && readFileSync(path.join(root, 'lib', file), 'utf8').includes('Math.random'),
    );
    expect(careless.sort()).toEqual(
      [
        'coordination/bullmq/check-job-options.ts',
        'coordination/cache/cache-options.interface.ts',
        'coordination/cache/read-cache-options.ts',
        'coordination/leader-election/campaign.ts',
        'engine/acquire/acquire-attempt.ts',
        'engine/acquire/backoff.ts',
        'providers/redis/cluster-connection.ts',
      ].map((file) => path.normalize(file)),
    );
  });
});
