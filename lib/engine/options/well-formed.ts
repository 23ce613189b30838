/**
 * Whether `text` holds no half of a surrogate pair. Two texts that do would become one on their way to a store, as all
 * halves turn into U+FFFD there. Node 20 has it, and the ES2023 types lack it.
 */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
