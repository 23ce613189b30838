/** What follows the name of a Service in the variables that Kubernetes gives to every container. */
const SUFFIX = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/**
 * Whether Kubernetes set the variable for a Service of the namespace, such as `LOCKING_REDIS_PORT` for `locking-redis`:
 * it comes with the address of the Service, and is not meant as an option.
 */
export function isServiceVariable(name: string, env: Readonly<Record<string, string | undefined>>): boolean {
  const service = name.replace(SUFFIX, '');
  return service !== name && !!env[`${service}_SERVICE_HOST`] && !!env[`${service}_SERVICE_PORT`];
}
