export { CircuitBreakerState } from './circuit-breaker-state.js';
export { WithCircuitBreaker } from './with-circuit-breaker.decorator.js';
export type {
  CircuitBreakerCallOptions,
  CircuitBreakerChange,
  CircuitBreakerInfo,
  CircuitBreakerOptions,
  CircuitState,
  SetCircuitStateOptions,
  WithCircuitBreakerOptions,
} from './circuit-breaker.interface.js';
