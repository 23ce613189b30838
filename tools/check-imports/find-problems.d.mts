export interface Manifest {
  /** The entry points beside `index.js`, by the file of their `import` condition. */
  readonly exports?: Readonly<Record<string, string | { readonly import?: { readonly default?: string } }>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export interface ImportsChecked {
  /** How many files were read. */
  readonly files: number;
  /** One line each; none where all is well. */
  readonly problems: readonly string[];
}

/** Imports in a folder of built ES modules that would fail where only the mandatory peers are installed. */
export function findProblems(folder: string, manifest: Manifest): Promise<ImportsChecked>;
