import { fileURLToPath } from 'node:url';

/** Seen from the compiled bench in `dist-bench/report`. */
export const RESULTS_FOLDER = fileURLToPath(new URL('../../bench/results/', import.meta.url));

/** The file of the last full run, by the store of the locks. */
export const RESULTS_FILES = { redis: 'latest.json', postgres: 'postgres.json' } as const;
