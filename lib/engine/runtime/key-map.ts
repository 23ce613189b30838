/** As many places of keys that are gone are kept at least, for when the keys come again. */
const KEPT = 500;

interface Place<Value> {
  value: Value | undefined;
}

/**
 * A Map for keys that come and go all the time. When the keys of a `Map` change, V8 moves them to new tables, and each
 * old table refers to the next: once one of them is in the old generation, the collector takes all that follow, and all
 * values in them, for reachable until its next full run. Here a key that is deleted keeps its place for when it comes
 * again, and the map is made anew when most places are empty.
 */
export class KeyMap<Value> {
  private places = new Map<string, Place<Value>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(key: string): Value | undefined {
    return this.places.get(key)?.value;
  }

  set(key: string, value: Value): void {
    const place = this.places.get(key);
    if (place?.value === undefined) this.count += 1;
    if (place) place.value = value;
    else this.places.set(key, { value });
  }

  delete(key: string): void {
    const place = this.places.get(key);
    if (place?.value === undefined) return;
    place.value = undefined;
    this.count -= 1;
    if (this.places.size > 2 * this.count + KEPT) this.compact();
  }

  /** The keys and values of this moment, the oldest places first. */
  entries(): [string, Value][] {
    const entries: [string, Value][] = [];
    for (const [key, { value }] of this.places) if (value !== undefined) entries.push([key, value]);
    return entries;
  }

  /** The values of this moment. */
  values(): Value[] {
    return this.entries().map(([, value]) => value);
  }

  private compact(): void {
    const places = this.places;
    this.places = new Map();
    for (const [key, place] of places) if (place.value !== undefined) this.places.set(key, place);
  }
}
