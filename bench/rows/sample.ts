/** The figures of one contender's slice of one round, by name. Figures that it does not have are absent. */
export type Sample = Readonly<Record<string, number>>;

/** The slices of one round, by the names of the contenders. */
export type Round = ReadonlyMap<string, Sample>;

/** These names are the same in every row: updates that were lost, … */
export const LOST = 'lost';

/** … waits that a package gave up, … */
export const GAVE_UP = 'gaveUp';

/** … and waiters that were not served in the time given. */
export const UNSERVED = 'unserved';
