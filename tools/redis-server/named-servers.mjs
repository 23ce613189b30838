// @ts-check
/**
 * The servers that `REDIS_SERVER` can name. Debian keeps a major version for the life of a release, so a suite stands
 * for a version; a server that was found or fetched is still checked against `version`.
 *
 * @typedef {{ suite: string, packages: readonly string[], program: string, version: RegExp }} NamedServer
 * @type {Readonly<Record<string, NamedServer>>}
 */
const servers = {
  'redis-7.0': redis('bookworm', /^Redis server v=7\.0\./),
  'redis-8': redis('trixie', /^Redis server v=8\./),
  'valkey-8': {
    suite: 'trixie',
    packages: ['valkey-server', 'valkey-tools'],
    program: 'valkey-server',
    version: /^Valkey server v=8\./,
  },
};

/** The names of all servers. */
export const serverNames = Object.keys(servers);

/** @param {string} name */
export function namedServer(name) {
  const server = Object.hasOwn(servers, name) ? servers[name] : undefined;
  if (!server) throw new Error(`There is no Redis server called "${name}": choose from ${serverNames.join(', ')}`);
  return server;
}

/**
 * @param {string} suite
 * @param {RegExp} version
 * @returns {NamedServer}
 */
function redis(suite, version) {
  return { suite, packages: ['redis-server', 'redis-tools'], program: 'redis-server', version };
}
