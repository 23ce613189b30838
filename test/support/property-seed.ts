import fc from 'fast-check';

/** Properties are tried on the same examples each time, so that a change is judged by itself; `FC_SEED` tries others. */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FC_SEED ?? 20261121) });
