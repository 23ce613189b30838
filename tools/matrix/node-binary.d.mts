/** Fetches that version of Node; returns the folder that has it, none where it could not be had. */
export function findNode(
  version: string,
  cacheDir: string,
  context: { readonly env: Readonly<Record<string, string | undefined>>; readonly log: string },
): Promise<string | undefined>;
