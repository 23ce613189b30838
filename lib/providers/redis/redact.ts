/**
 * A URL without its password, for messages. It may be any text that was meant to be a URL, so everything is hidden that
 * could be a password in a badly written one.
 */
export function redact(url: string): string {
  return url
    .replace(/^(\w+:\/*)?.*@/s, '$1***@')
    .replace(/^(\w+:\/\/:).*/s, '$1***')
    .replace(/([?&](?:password|username)=)[^&]*/gi, '$1***');
}
