import type { Finding } from '../../provider-api/operable-store.js';

interface ServerLook {
  /** Its address, or its name. */
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** Whether a server takes no locks. */
export const isOut = ({ findings }: ServerLook): boolean => findings.some(({ health }) => health === 'down');

/**
 * The findings of the servers that share the keys, each with its server.
 *
 * @param isDown - whether those that are out leave too few
 */
export function ofSeveralServers(looks: readonly ServerLook[], isDown: boolean): Finding[] {
  return looks.flatMap(({ name, findings }) =>
    findings.map((finding): Finding => ({
      ...finding,
      server: finding.server === undefined ? name : `${name}, ${finding.server}`,
      ...(finding.health === 'down' && !isDown && { health: 'degraded' }),
    })),
  );
}
