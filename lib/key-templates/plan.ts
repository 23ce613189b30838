/** Stands for `[]` in a path: every element of the array before it. */
export const EACH = Symbol('[]');

/** One step of a path: the name of a property, or every element. `[3]` and `.3` are both `'3'`. */
export type Segment = string | typeof EACH;

/**
 * One value to be read. Placeholders that begin alike share their steps, so that `<0.order.id>:<0.order.lot>` reads
 * `order` once: a getter that answers differently the second time cannot make a key of two halves.
 */
export interface Step {
  /** Where its value is kept during one rendering. */
  readonly slot: number;
  /** The step whose value has the property; none for a root. */
  readonly parent: Step | undefined;
  /** The name of the property or root; for `EACH`, the index is only known while rendering. */
  readonly name: string | number | typeof EACH;
  /** For messages: its path, cut where an index belongs. */
  readonly label: readonly string[];
  /** For messages: the first placeholder that needs it. */
  readonly placeholder: string;
  /** Whether it is the end of a placeholder, so that its value becomes text. */
  isValue: boolean;
}

/** One `[]`: `element` stands for each element of `array` in turn, and `steps` are read anew for each of them. */
export interface Level {
  readonly array: Step;
  readonly element: Step;
  readonly steps: Step[];
}

/** All that a rendering needs, and nothing that it would have to work out. */
export interface Plan {
  readonly source: string;
  readonly slots: number;
  /** The steps that are read once, every parent before its parts. */
  readonly steps: readonly Step[];
  /** The `[]`s, outermost first. */
  readonly levels: readonly Level[];
  readonly prefix: string;
  readonly parts: readonly { readonly slot: number; readonly literal: string }[];
}
