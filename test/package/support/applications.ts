import type { Consumer } from './consumer.js';

/** Makes Node behave like versions that cannot require an ES module: `require` gives the CommonJS build, as in Jest. */
const CANNOT_REQUIRE_ESM = '--no-experimental-require-module';

/** TypeScript 6 needs this to accept settings that 5 accepts. */
const AS_TYPESCRIPT_5 = ['--ignoreDeprecations', '6.0'];

export interface Variant {
  readonly label: string;
  /** Node options. */
  readonly node: readonly string[];
  /** Where the compiled application is. */
  readonly output: string;
}

export interface Application {
  readonly name: string;
  readonly fixture: string;
  /** The version of ioredis for it. */
  readonly ioredis: string;
  /** The version of @nestjs/schedule for it. */
  readonly schedule: string;
  /** The ways to run it. */
  readonly variants: readonly Variant[];
  readonly compile: (consumer: Consumer) => Promise<void>;
  /** Checks the package's declarations, which applications usually do not. */
  readonly checkDeclarations: (consumer: Consumer) => Promise<void>;
}

/** The applications in which the package must work. */
export const APPLICATIONS: Application[] = [
  {
    name: 'a Nest 12 application of ES modules',
    fixture: 'nest12-esm',
    ioredis: 'ioredis@^6.0.0',
    schedule: '@nestjs/schedule@^12.0.0',
    variants: [{ label: 'as it is', node: [], output: 'dist' }],
    compile: async (consumer) => {
      await consumer.compile('tsc7', '-p', 'tsconfig.json');
    },
    checkDeclarations: async (consumer) => {
      await consumer.compile('tsc7', '-p', 'tsconfig.json', '--noEmit', '--skipLibCheck', 'false');
    },
  },
  {
    name: 'a Nest 11 application of CommonJS',
    fixture: 'nest11-cjs',
    ioredis: 'ioredis@^5.11.1',
    schedule: '@nestjs/schedule@^6.0.0',
    variants: [
      { label: 'as it is', node: [], output: 'dist' },
      { label: 'compiled for node10', node: [], output: 'dist-node10' },
      { label: 'on the CommonJS build', node: [CANNOT_REQUIRE_ESM], output: 'dist' },
    ],
    compile: async (consumer) => {
      await consumer.compile('tsc6', '-p', 'tsconfig.json', ...AS_TYPESCRIPT_5);
      await consumer.compile('tsc6', '-p', 'tsconfig.node10.json', ...AS_TYPESCRIPT_5);
    },
    checkDeclarations: async (consumer) => {
      const args = ['-p', 'tsconfig.node10.json', '--noEmit', '--skipLibCheck', 'false'];
      await consumer.compile('tsc6', ...args, ...AS_TYPESCRIPT_5);
    },
  },
];
