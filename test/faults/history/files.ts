import { join } from 'node:path';

/** Where the records of a run lie, in the folder of the run. */
export const files = {
  worker: (folder: string, name: string): string => join(folder, `worker-${name}.jsonl`),
  writes: (folder: string): string => join(folder, 'writes.jsonl'),
  faults: (folder: string): string => join(folder, 'faults.jsonl'),
  rest: (folder: string): string => join(folder, 'rest.json'),
};
