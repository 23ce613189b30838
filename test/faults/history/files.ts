import { join } from 'node:path';

/** The files of records in the folder of a run. */
export const files = {
  worker: (folder: string, name: string): string => join(folder, `worker-${name}.jsonl`),
  writes: (folder: string): string => join(folder, 'writes.jsonl'),
  faults: (folder: string): string => join(folder, 'faults.jsonl'),
  rest: (folder: string): string => join(folder, 'rest.json'),
};
