const WHAT = 'LockingOpenTelemetryModule';

export const notBoolean = (name: string): string => `${WHAT}: ${name} must be true or false.`;

export const noMeterProvider = (): string =>
  `${WHAT}: meterProvider must be a MeterProvider, such as one of @opentelemetry/sdk-metrics.`;

export const noTracerProvider = (): string =>
  `${WHAT}: tracerProvider must be a TracerProvider, such as one of @opentelemetry/sdk-trace-base.`;

export const badSpans = (): string =>
  `${WHAT}: spans must be false or an object, such as { hold: true, minWait: '10ms' }.`;
