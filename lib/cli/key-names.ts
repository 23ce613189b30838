/** The name that `escapeValue` wrote into a key. */
function unescapeName(text: string): string {
  return text.replace(/%(?:u([0-9A-F]{4})|([0-9A-F]{2}))/g, (_, unit?: string, byte?: string) =>
    String.fromCharCode(parseInt(unit ?? byte ?? '0', 16)),
  );
}

/** The name of a key of an election: its leader, or with `instance` an instance that takes part in it. */
export function readElectionKey(key: string): { readonly name: string; readonly instance?: string } | undefined {
  const match = /^leader:([^:]*)(?::instance:([^/]*)\/.*)?$/s.exec(key);
  if (!match) return undefined;
  const [, name = '', instance] = match;
  return { name: unescapeName(name), ...(instance !== undefined && { instance: unescapeName(instance) }) };
}

/** The name of the key of a scheduled job, held while it runs, or with `due` of one of its ticks. */
export function readTickKey(
  key: string,
): { readonly kind: 'cron' | 'interval'; readonly name: string; readonly due?: string } | undefined {
  const match = /^(cron|interval):([^:]*?)(?:@(\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z))?$/s.exec(key);
  if (!match) return undefined;
  const [, kind, name = '', due] = match;
  return { kind: kind as 'cron' | 'interval', name: unescapeName(name), ...(due !== undefined && { due }) };
}
