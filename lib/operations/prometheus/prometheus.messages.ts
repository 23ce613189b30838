const WHAT = 'LockingPrometheusModule';

export const noRegistry = (): string => `${WHAT}: registry must be a Registry of prom-client, such as new Registry().`;

export const takenName = (name: string): string =>
  `${WHAT}: the registry has a metric ${name} already: another application of this process uses it, or the module is imported twice. Import it once, and give each application a registry of its own: forRoot({ registry: new Registry() }).`;

export const badPrefix = (): string => `${WHAT}: prefix must be letters, digits and underscores, such as "shop_".`;

export const notBoolean = (): string => `${WHAT}: exemplars must be true or false.`;

export const noOpenMetrics = (): string =>
  `${WHAT}: exemplars need a registry in the format of OpenMetrics: registry.setContentType(openMetricsContentType), before the application starts.`;

export const noOpenTelemetry = (): string =>
  `${WHAT}: exemplars name the trace of a wait, and @opentelemetry/api is not installed: npm install @opentelemetry/api.`;
