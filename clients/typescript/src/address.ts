import { isIPv6 } from "node:net";

/** Where the sidecar listens when nobody says otherwise. */
const defaultAddress = "localhost:9080";

/** An address that can be dialled: `authority` of a TCP address, or the `path` of a socket. */
export type Address = { authority: string } | { path: string };

/**
 * The address from the argument, else from the environment, else the default. An empty one
 * counts as not given. Throws a TypeError for one that can never work.
 */
export function resolveAddress(argument: string | undefined, environment: string | undefined): Address {
  if (argument) return parse("address", argument);
  if (environment) return parse("CONFIG_SERVICE_ADDR", environment);
  return { authority: defaultAddress };
}

function parse(name: string, given: string): Address {
  if (/^unix:\/[^\0]+$/.test(given)) return { path: given.slice("unix:".length) };
  const [, host = "", v6, port] = /^(\[([^\]]+)\]|[\w.-]+):(\d{1,5})$/.exec(given) ?? [];
  const named = host !== "" && (v6 === undefined || isIPv6(v6));
  if (named && Number(port) >= 1 && Number(port) <= 65535) return { authority: given };
  // What stands before an @ may be a credential.
  const shown = given.includes("@") ? "a value with an @" : JSON.stringify(given);
  throw new TypeError(`${name}: ${shown} is not usable; accepted: host:port, [IPv6]:port or unix:/path`);
}
