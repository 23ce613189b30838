import { quote } from '../../errors/quote.js';

const tell = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const inDashboard = (text: string): string => `LockingDashboardModule: ${text}`;

export const noGuards = (): string =>
  inDashboard(
    'there are no guards, so that everybody could see the locks of the application. Give guards: [AdminGuard], or say insecure: true where a global guard, a proxy or the network keeps strangers out.',
  );

export const notOptions = (): string => inDashboard('the options must be an object, such as { guards: [AdminGuard] }.');

export const unknownDashboardOption = (name: string, known: readonly string[]): string =>
  inDashboard(`${quote(name)} is not an option. Known are: ${known.join(', ')}.`);

export const badPath = (): string =>
  inDashboard(`path: must be a path of letters, digits, -, _ and /, such as 'locks'.`);

export const badGuards = (): string => inDashboard('guards: must be an array of guards, such as [AdminGuard].');

export const badFlag = (name: string): string => inDashboard(`${name}: must be true or false.`);

export const badPerson = (): string =>
  inDashboard(
    'identify has returned no text, so nothing was released. Return a name, or undefined for the address of the client.',
  );

export const badIdentify = (): string =>
  inDashboard(
    'identify: must be a function of the request that returns a name, such as (request) => request.user.email.',
  );

export const badAllowedHosts = (): string =>
  inDashboard(
    "allowedHosts: must be true, or an array of host names without a port, such as ['admin.example.com', '.example.com'].",
  );

export const hostNotAllowed = (host: string | undefined): string =>
  `Refused: this server is not to be called ${host === undefined ? 'without a name' : quote(host)} here. Add the name to allowedHosts of LockingDashboardModule. Behind a proxy that passes it on in X-Forwarded-Host, set trustProxy as well.`;

export const badMaxViewers = (): string => inDashboard('maxViewers: must be a whole number from 1 on.');

export const tooManyViewers = (most: number): string =>
  `${String(most)} pages are open already, which is maxViewers. Close one, or try again later.`;

export const readOnly = (): string => 'The dashboard is read-only: set allowRelease: true to release locks by hand.';

export const foreignRequest = (): string =>
  'Refused: the request does not come from the page of the dashboard. Behind a proxy, pass the header Host or X-Forwarded-Host on.';

export const badRelease = (): string =>
  'Refused: name the provider, the key, its owner and its token, as the page shows them.';

export const changedMeanwhile = (key: string): string =>
  `${quote(key)} is no longer held as the page showed it: it was released, or another holder has it. Look again.`;

export const releasedByHand = (
  key: string,
  { ownerId, fencingToken }: { readonly ownerId: string; readonly fencingToken: number | null },
  provider: string,
  person: string,
): string =>
  `${quote(key)} was released by hand on the dashboard, by ${quote(person)}: held by ${quote(ownerId)} with token ${String(fencingToken)}, provider ${quote(provider)}`;

export const mayBeReleasedByHand = (key: string, provider: string, person: string, cause: unknown): string =>
  `${quote(key)}, provider ${quote(provider)}, may have been released by hand on the dashboard, by ${quote(person)}, for the store has not answered as it should: ${tell(cause)}`;

export const lookFailed = (cause: unknown): string => `The store could not be asked: ${tell(cause)}`;

export const unknownProviderHere = (id: string): string => `There is no provider ${quote(id)}.`;
