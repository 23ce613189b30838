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

  /** The key that was looked up last, and its place: a step of a lock looks up the same key several times. */
  private lastKey?: string;
  private lastPlace?: Place<Value> | undefined;

  get size(): number {
    return this.count;
  }

  get(key: string): Value | undefined {
    return this.placeOf(key)?.value;
  }

  set(key: string, value: Value): void {
    const place = this.placeOf(key);
    if (place?.value === undefined) this.count += 1;
    if (place) place.value = value;
    else this.places.set(key, (this.lastPlace = { value }));
  }

  delete(key: string): void {
    const place = this.placeOf(key);
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

  private placeOf(key: string): Place<Value> | undefined {
    if (key === this.lastKey) return this.lastPlace;
    this.lastKey = key;
    return (this.lastPlace = this.places.get(key));
  }

  private compact(): void {
    const places = this.places;
    this.lastKey = this.lastPlace = undefined;
    this.places = new Map();
    for (const [key, place] of places) if (place.value !== undefined) this.places.set(key, place);
  }
}
