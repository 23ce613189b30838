import { Inject } from '@nestjs/common';
import { assertLegacyCall } from '../../decorators/assert-legacy-call.js';
import { assertElectionName } from './read-leader-options.js';

/**
 * The injection token of an election, for factories and for tests that put something else in its place.
 *
 * @throws LockConfigurationError for anything but a name
 *
 * @example
 * const election = app.get<LeaderElection>(getLeaderElectionToken('relay'));
 */
export function getLeaderElectionToken(name: string): string {
  assertElectionName(name);
  return `LeaderElection(${name}), of LockingModule.forFeature({ leaders })`;
}

/**
 * Injects the `LeaderElection` that is registered under `name` with `LockingModule.forFeature`.
 *
 * @throws LockConfigurationError at decoration for anything but a name
 *
 * @example
 * constructor(@InjectLeaderElection('relay') private readonly election: LeaderElection) {}
 */
export function InjectLeaderElection(name: string): ParameterDecorator & PropertyDecorator {
  const inject = Inject(getLeaderElectionToken(name)) as (
    target: object,
    propertyKey?: string | symbol,
    index?: number,
  ) => void;
  return (target: object, propertyKey?: string | symbol, index?: number): void => {
    assertLegacyCall('@InjectLeaderElection', propertyKey);
    inject(target, propertyKey, index);
  };
}
