import { describe, expect, it } from '@jest/globals';
import { KeyMap } from '../../lib/engine/runtime/key-map.js';
import { LinkedList, type ListElement } from '../../lib/engine/runtime/linked-list.js';

describe('a KeyMap', () => {
  it('has what a Map would have, however keys come and go', () => {
    const map = new KeyMap<number>();
    const model = new Map<string, number>();
    let random = 1;
    for (let step = 0; step < 20_000; step += 1) {
      random = (random * 48_271) % 2_147_483_647;
      // Few keys that come again, and many that do not.
      const key = random % 3 === 0 ? `once-${step}` : `k${random % 50}`;
      if (random % 7 < 4) {
        map.set(key, step);
        model.set(key, step);
      } else {
        map.delete(key);
        model.delete(key);
      }
      if (step % 5 === 0)
        for (const old of [...model.keys()].slice(0, 2)) {
          map.delete(old);
          model.delete(old);
        }
      expect(map.size).toBe(model.size);
      expect(map.get(key)).toBe(model.get(key));
    }
    expect(new Map(map.entries())).toEqual(model);
    expect(map.values().sort()).toEqual([...model.values()].sort());
  });

  it('finds a key again that comes back just after the map was made anew', () => {
    const map = new KeyMap<number>();
    for (let key = 0; key < 2000; key += 1) {
      map.set(`k${key}`, key);
      map.delete(`k${key}`);
      map.set(`k${key}`, -key);
      map.get('another');
      expect(map.get(`k${key}`)).toBe(-key);
      expect(map.entries()).toEqual([[`k${key}`, -key]]);
      map.delete(`k${key}`);
    }
  });

  it('keeps no places for keys that are gone, but for some hundreds', () => {
    const map = new KeyMap<object>();
    for (let key = 0; key < 10_000; key += 1) {
      map.set(`k${key}`, {});
      map.delete(`k${key}`);
    }
    const { places } = map as unknown as { places: Map<string, unknown> };
    expect(places.size).toBeLessThanOrEqual(501);
  });
});

class Element implements ListElement<Element> {
  previous?: Element | undefined;
  next?: Element | undefined;
  constructor(readonly name: string) {}
}

describe('a LinkedList', () => {
  const [a, b, c] = [new Element('a'), new Element('b'), new Element('c')];
  const names = (list: LinkedList<Element>): string => [...list].map(({ name }) => name).join('');

  it('keeps its elements in order, wherever they come in or leave', () => {
    const list = new LinkedList<Element>();
    list.add(a);
    list.add(c);
    list.insert(b, a);
    expect([names(list), list.first, list.last, list.size]).toEqual(['abc', a, c, 3]);
    list.remove(b);
    list.insert(b, undefined);
    expect([names(list), list.first, list.last, list.size]).toEqual(['bac', b, c, 3]);
    list.remove(c);
    list.remove(b);
    expect([names(list), list.first, list.last, list.size]).toEqual(['a', a, a, 1]);
    list.remove(a);
    expect([names(list), list.first, list.last, list.size]).toEqual(['', undefined, undefined, 0]);
  });

  it('lets go of an element that leaves, and does not mind one that is not there', () => {
    const list = new LinkedList<Element>();
    for (const element of [a, b, c]) list.add(element);
    list.remove(b);
    list.remove(b);
    expect([b.previous, b.next, names(list), list.size]).toEqual([undefined, undefined, 'ac', 2]);
  });

  it('may lose the element at which its iteration is', () => {
    const list = new LinkedList<Element>();
    for (const element of [a, b, c]) list.add(element);
    for (const element of list) if (element !== b) list.remove(element);
    expect(names(list)).toBe('b');
  });
});
