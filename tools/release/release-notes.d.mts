export interface ReleaseState {
  readonly version: string;
  readonly current: string;
  readonly changelog: string;
  readonly dirty: boolean;
  readonly tagged: boolean;
}

export function releaseProblems(state: ReleaseState): string[];

export function withRelease(changelog: string, version: string, date: string): string;
