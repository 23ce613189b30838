/** A URL without its password, for messages. */
export function redact(url: string): string {
  return url.replace(/:\/\/[^/]*@/, '://***@').replace(/([?&](?:password|username)=)[^&]*/gi, '$1***');
}
