import { fileURLToPath } from 'node:url';

/** Seen from the compiled bench in `dist-bench/report`. */
export const RESULTS_FOLDER = fileURLToPath(new URL('../../bench/results/', import.meta.url));
