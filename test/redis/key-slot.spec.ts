import { describe, expect, it } from '@jest/globals';
import { keySlot, leavesRoomForTag, slotTag } from '../../lib/providers/redis/key-slot.js';

describe('keySlot', () => {
  // The answers of CLUSTER KEYSLOT in Redis 7.0.
  it.each([
    ['', 0],
    ['123456789', 12739],
    ['foo', 12182],
    ['{foo}bar', 12182],
    ['a{foo}b{bar}', 12182],
    ['foo{}{bar}', 8363],
    ['foo{{bar}}zap', 4015],
    ['foo{bar', 15278],
  ])('keySlot knows the slot of %j', (name, slot) => {
    expect(keySlot(name)).toBe(slot);
  });
});

describe('slotTag', () => {
  it('slotTag has a short tag for each slot', () => {
    for (let slot = 0; slot < 16_384; slot += 1) {
      const tag = slotTag(slot);
      if (keySlot(`lock:x:{${tag}}:{y}`) !== slot || tag.length > 4) throw new Error(`${String(slot)}: ${tag}`);
    }
  });
});

describe('leavesRoomForTag', () => {
  it.each(['', 'lock:', 'lock}:', '{locks}:', 'a}{b}', '{{a}'])('finds it behind %j', (prefix) => {
    expect(leavesRoomForTag(prefix)).toBe(true);
  });

  it.each(['{', 'a{', '{}', 'a{}b', '{}{a}'])('finds none behind %j', (prefix) => {
    expect(leavesRoomForTag(prefix)).toBe(false);
  });
});
