const SLOTS = 16_384;

/** CRC-16/XMODEM of every byte. */
const CRC = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

/** The hash slot of a key as Redis Cluster has it: of what stands between the first braces, if there is something. */
export function keySlot(name: string): number {
  const open = name.indexOf('{');
  const close = open < 0 ? -1 : name.indexOf('}', open + 1);
  const hashed = close > open + 1 ? name.slice(open + 1, close) : name;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) crc = ((crc << 8) & 0xffff) ^ (CRC[(crc >> 8) ^ byte] ?? 0);
  return crc % SLOTS;
}

/**
 * Whether a tag that comes after `prefix` in a name decides on its slot, or one within `prefix` does already. Neither
 * is so behind a brace that opens nothing.
 */
export function leavesRoomForTag(prefix: string): boolean {
  return !prefix.includes('{') || /^[^{]*\{[^}]+\}/.test(prefix);
}

let tags: readonly string[] | undefined;

/** A short text whose hash slot is `slot`. */
export function slotTag(slot: number): string {
  tags ??= findTags();
  return tags[slot] ?? '';
}

/** By trial, once in a process: some 150,000 numbers until every slot has been hit. */
function findTags(): readonly string[] {
  const found = new Array<string>(SLOTS);
  let missing = SLOTS;
  for (let number = 0; missing > 0; number += 1) {
    const tag = number.toString(36);
    const slot = keySlot(tag);
    if (found[slot] !== undefined) continue;
    found[slot] = tag;
    missing -= 1;
  }
  return found;
}
