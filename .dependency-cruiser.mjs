/** The folders of the engine by rank: each imports from itself and from those before it only. */
const ENGINE_RANKS = ['runtime', 'options', 'store', 'hold', 'lock', 'acquire', 'wait', 'dispatch', 'control'];

const brokenRanks = ENGINE_RANKS.map((folder, rank) => ({
  name: `engine-${folder}-imports-a-higher-rank`,
  severity: 'error',
  from: { path: `^lib/engine/${folder}/` },
  to: { path: `^lib/engine/(${[...ENGINE_RANKS.slice(rank + 1), String.raw`lock-engine\.ts`].join('|')})` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    ...brokenRanks,
    {
      name: 'engine-in-a-folder-without-a-rank',
      severity: 'error',
      from: {},
      to: { path: '^lib/engine/[^/]+/', pathNot: `^lib/engine/(${ENGINE_RANKS.join('|')})/` },
    },
    {
      name: 'engine-knows-neither-nest-nor-a-store',
      severity: 'error',
      from: { path: '^lib/engine/' },
      to: { path: '^(lib/(?!diagnostics/|engine/|errors/|interfaces/|provider-api/)|node_modules/)' },
    },
  ],
  options: {
    // Imports of types count as well.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'node_modules/typescript' },
  },
};
