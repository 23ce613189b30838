export const noRegistry = (): string =>
  'LockingPrometheusModule: registry must be a Registry of prom-client, such as new Registry().';

export const takenName = (name: string): string =>
  `LockingPrometheusModule: the registry has a metric ${name} already: another application of this process uses it, or the module is imported twice. Import it once, and give each application a registry of its own: forRoot({ registry: new Registry() }).`;

export const badPrefix = (): string =>
  'LockingPrometheusModule: prefix must be letters, digits and underscores, such as "shop_".';
