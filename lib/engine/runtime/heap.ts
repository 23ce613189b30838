/** An element of a {@link Heap}. */
export interface HeapElement {
  /** Where it stands in its heap, which keeps this; negative outside of one. */
  heapIndex: number;
}

/**
 * A binary heap: the element with the smallest value of `order` comes first, and any element can be removed. Elements
 * that are added in their order cost one comparison.
 */
export class Heap<Element extends HeapElement> {
  private readonly elements: Element[] = [];

  constructor(private readonly order: (element: Element) => number) {}

  get size(): number {
    return this.elements.length;
  }

  get first(): Element | undefined {
    return this.elements[0];
  }

  add(element: Element): void {
    this.up(element, this.elements.push(element) - 1);
  }

  remove(element: Element): void {
    const index = element.heapIndex;
    element.heapIndex = -1;
    const last = this.elements.pop();
    if (!last || last === element) return;
    if (this.up(last, index) === index) this.down(last, index);
  }

  private up(element: Element, from: number): number {
    const value = this.order(element);
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.elements[above];
      if (!parent || this.order(parent) <= value) break;
      this.put(parent, index);
      index = above;
    }
    this.put(element, index);
    return index;
  }

  private down(element: Element, from: number): void {
    const value = this.order(element);
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      let child = this.elements[below];
      const right = this.elements[below + 1];
      if (child && right && this.order(right) < this.order(child)) {
        child = right;
        below += 1;
      }
      if (!child || this.order(child) >= value) break;
      this.put(child, index);
      index = below;
    }
    this.put(element, index);
  }

  private put(element: Element, index: number): void {
    this.elements[index] = element;
    element.heapIndex = index;
  }
}
