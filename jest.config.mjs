import { availableParallelism } from 'node:os';

/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
          target: 'es2022',
        },
      },
    ],
  },
  // Two stand-ins for one package, each installed for itself.
  modulePathIgnorePatterns: ['<rootDir>/bench/'],
  // Most tests wait for a server or a clock: two at a time also where there are two cores.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // Modules of earlier files stay in a worker's memory: it starts anew before there are too many of them. A machine of 4 GB
  // gives a process 2 GB, and one that comes near to that spends its time on collecting garbage, and ends.
  workerIdleMemoryLimit: '700MB',
  testTimeout: 30_000,
  setupFiles: ['reflect-metadata', '<rootDir>/test/support/quiet.ts', '<rootDir>/test/support/property-seed.ts'],
  reporters: ['<rootDir>/tools/test/reporter.mjs'],
};
