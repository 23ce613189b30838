export const lockingModuleMissing = (what: string): string =>
  `${what}: there are no locks in this application. Import LockingModule.forRoot() into the root module.`;
