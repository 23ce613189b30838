/**
 * A URL without its password, for messages. It may be any text that was meant to be a URL, so everything is hidden that
 * could be a password in a badly written one.
 */
export function redact(url: string): string {
  return url
    .replace(/^(\w+:\/*)?.*@/s, '$1***@')
    .replace(/^(\w+:\/\/:).*/s, '$1***')
    .replace(/^(\w+:\/\/)[^@]*:(?!\d+(?:\/|$))[^@]*$/s, '$1***')
    .replace(/([?&](?:password|username|sslpassword)=).*/is, '$1***');
}

/**
 * Whether a URL ends its host in the middle of a password: one with `/`, `?` or `#` that is not encoded. What stands for the
 * host is a part of the password then.
 */
export function splitsPassword({ pathname, search, hash, username, port }: URL): boolean {
  if (pathname.includes('@') || hash.includes('@')) return true;
  return search.includes('@') && username === '' && port !== '' && !/[?&]user=/.test(search);
}

/** What to do about a URL that cannot be read, where it may hold a password. */
export function passwordHint(url: string): string {
  return redact(url) === url ? '' : ' In a password, write / ? # @ and % as %2F %3F %23 %40 and %25.';
}
