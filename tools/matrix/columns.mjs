// @ts-check
/**
 * The combinations of versions that the tests run on: both ends of every range of peers and of Node, each server, and
 * every pair of a Nest and an ioredis. The first column has the lowest versions, the last the highest. Versions are
 * exact, so that a run can be repeated; raise the newest now and then.
 *
 * @typedef {object} Column
 * @property {string} name
 * @property {string} node
 * @property {string} server a name that `REDIS_SERVER` knows
 * @property {Readonly<Record<string, string>>} packages versions in place of those in `package.json`
 * @property {readonly import('./omissions.mjs').Omission[]} [omitted] files that can neither be compiled nor run in it
 */

/** @type {readonly Column[]} */
export const columns = [
  {
    name: 'lowest',
    node: '20.19.0',
    server: 'redis-7.0',
    packages: {
      // There is no platform-ws 11.0.1, and platform-fastify 11.0.1 asks for Nest 10.
      ...nest('11.0.1', { '@nestjs/platform-ws': '11.0.5', '@nestjs/platform-fastify': '11.0.3' }),
      ...aroundNest11(),
      ioredis: '5.11.1',
      bullmq: '5.80.0',
      pg: '8.5.0',
      'prom-client': '15.0.0',
      '@opentelemetry/api': '1.9.0',
      '@nestjs/terminus': '11.0.0',
      // The range begins at 7.2.0, but the compiler finds no types in those before when it reads `exports`.
      rxjs: '7.5.5',
      'reflect-metadata': '0.1.13',
    },
    omitted: [
      ...['sample/', 'test/sample/'].map((path) => ({
        path,
        reason: 'the shop ends its process by useProcessExit, which Nest has only since 11.1.10',
      })),
      ...unclosedFiles(),
      {
        test: 'LockingModule.forRoot() in two modules of one application a lazily loaded second forRoot() is refused',
        reason: 'Nest 11.0.1 refuses it as well, but by a stack overflow of its own',
      },
    ],
  },
  {
    name: 'nest-12-ioredis-5',
    node: '22.12.0',
    server: 'redis-8',
    packages: { ...nest('12.0.1'), ioredis: '5.11.1' },
    omitted: [...unclosedFiles(), ...scopedProviders()],
  },
  {
    name: 'nest-11-ioredis-6',
    node: '24.21.0',
    server: 'valkey-8',
    packages: {
      ...nest('11.2.6', {
        '@nestjs/common': '11.2.10',
        '@nestjs/core': '11.2.10',
        '@nestjs/platform-express': '11.2.10',
      }),
      ...aroundNest11(),
    },
    omitted: scopedProviders(),
  },
  // The versions of package.json are the newest.
  { name: 'highest', node: '26.10.0', server: 'redis-8', packages: {} },
];

/**
 * @param {string} version
 * @param {Record<string, string>} [others] packages that have no such version
 */
function nest(version, others = {}) {
  const parts = ['common', 'core', 'microservices', 'platform-express', 'platform-fastify', 'platform-ws', 'testing'];
  const same = [...parts, 'websockets'].map((part) => [`@nestjs/${part}`, version]);
  return { ...Object.fromEntries(same), ...others };
}

/** The first versions of Nest 11 and 12 leave a file open that is not read to its end. */
function unclosedFiles() {
  const reason = 'this Nest leaves the stream of a StreamableFile open when the client leaves or asked for HEAD only';
  return [
    'the lock is released when the client leaves in the middle (file)',
    'the lock is released at once for HEAD (file)',
  ].map((test) => ({
    test,
    reason,
  }));
}

/**
 * Nest from 11.1.20 to the end of 11, and from 12.0 to 12.1.3, reports a missing dependency in another way. All columns
 * test that no method runs unlocked because of it, and what the first call says.
 */
function scopedProviders() {
  return [
    {
      test: 'the application does not start, and says what to import: a request-scoped provider',
      reason: 'this Nest looks for what a request-scoped provider needs when it first makes one, not at the start',
    },
  ];
}

/** The packages built on Nest that the tests use: the newest major versions that accept Nest 11. */
function aroundNest11() {
  return {
    '@nestjs/apollo': '13.4.5',
    '@nestjs/cli': '11.0.13',
    '@nestjs/config': '4.0.4',
    '@nestjs/graphql': '13.4.4',
    '@nestjs/schedule': '6.1.3',
    '@nestjs/swagger': '11.4.0',
    '@nestjs/terminus': '11.1.1',
  };
}
