import fc from 'fast-check';

/** Properties use the same examples in every run, so that only a change can make them fail; `FC_SEED` uses others. */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FC_SEED ?? 20261121) });
