/** What one contender's slice of one round gave, by the names of the figures. What it has not is left out. */
export type Sample = Readonly<Record<string, number>>;

/** The slices of one round, by the names of the contenders. */
export type Round = ReadonlyMap<string, Sample>;

/** These names are the same in every row: updates that were lost, … */
export const LOST = 'lost';

/** … waits that a package gave up, … */
export const GAVE_UP = 'gaveUp';

/** … and waiters that were not served while anybody looked. */
export const UNSERVED = 'unserved';
