// @ts-check
const nobody = 65_534;

/**
 * PostgreSQL refuses to run as root: there, another user runs it.
 *
 * @type {{ uid: number, gid: number } | undefined}
 */
export const serverUser = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : undefined;
