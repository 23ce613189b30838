/** A free port from below the system's ephemeral range. */
export function findFreePort(): Promise<number>;
