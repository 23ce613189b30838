/** An element of a {@link LinkedList}, which keeps these. */
export interface ListElement<Element> {
  previous?: Element | undefined;
  next?: Element | undefined;
}

/** A list of elements that know their neighbours, so that each leaves it at once, wherever it is. */
export class LinkedList<Element extends ListElement<Element>> {
  first?: Element | undefined;
  last?: Element | undefined;
  size = 0;

  add(element: Element): void {
    this.insert(element, this.last);
  }

  /** @param before - the element to come after; without it, `element` comes first */
  insert(element: Element, before: Element | undefined): void {
    const after = before ? before.next : this.first;
    element.previous = before;
    element.next = after;
    if (before) before.next = element;
    else this.first = element;
    if (after) after.previous = element;
    else this.last = element;
    this.size += 1;
  }

  /**
   * Does nothing for an element that is not in the list. The element keeps no reference: in the old generation, it would
   * make the collector keep all that came after it.
   */
  remove(element: Element): void {
    const { previous, next } = element;
    if (!previous && this.first !== element) return;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.last = previous;
    element.previous = element.next = undefined;
    this.size -= 1;
  }

  *[Symbol.iterator](): Generator<Element> {
    let element = this.first;
    while (element) {
      const { next } = element;
      yield element;
      element = next;
    }
  }
}
