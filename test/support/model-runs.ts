const { MODEL_RUNS, MODEL_SEED = MODEL_RUNS === undefined ? 1 : Date.now() } = process.env;

/**
 * How many schedules of each kind are tried: the same ones in every run of the suite, others with a greater number
 * (`MODEL_RUNS=10000`). A failure names its seed and path, for `MODEL_SEED`.
 */
export const RUNS = Number(MODEL_RUNS ?? 250);

export const SEED = Number(MODEL_SEED);
