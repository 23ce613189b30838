/** What stands before and after a text. No multi-byte encoding has a character that ends in a `$`. */
const QUOTE = 'nestjs_locking';

/** A quoted name, in which a `$1` is none, or the place of a parameter. */
const NAME_OR_PLACE = /"[^"]*"|\$(\d+)/g;

/**
 * The statement `sql` with its parameters in their places, so that it travels as one message. A statement with parameters is
 * several, and the server runs it before the last of them arrives: if the connection breaks in between, the rows that it has
 * locked stay locked until the server gives the connection up, which may take hours.
 */
export function withLiterals(sql: string, parameters: readonly string[]): string {
  if (parameters.length === 0) return sql;
  return sql.replace(NAME_OR_PLACE, (found, place?: string) =>
    place === undefined ? found : quoteLiteral(parameters[Number(place) - 1] ?? ''),
  );
}

function quoteLiteral(text: string): string {
  // Libraries that write parameters as question marks would see one here.
  if (text.includes('?')) return escaped(text);
  let quote = `$${QUOTE}$`;
  // Neither in the text, nor where the text and the end of the quotation meet.
  for (let n = 1; (text + quote).indexOf(quote) < text.length; n += 1) quote = `$${QUOTE}_${String(n)}$`;
  return `${quote}${text}${quote}`;
}

function escaped(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('?', '\\x3f')}'`;
}
