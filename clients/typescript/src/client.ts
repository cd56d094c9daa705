import type { ClientSessionOptions, SecureClientSessionOptions } from "node:http2";
import { connect } from "node:net";
import { createClient, type Client, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { resolveAddress, type Address } from "./address.js";
import { ConfigService } from "./gen/config_service_pb.js";

// A dead sidecar is noticed within half a minute. The server refuses pings more often than every 10 s.
const ping = { pingIntervalMs: 20_000, pingTimeoutMs: 10_000 };

/** After this time the server has given up on the call, too. */
const serverTimeoutMs = 10_000;

/** The server's messages stay below 4 MiB. */
const readMaxBytes = 8 << 20;

export interface ConfigServiceOptions {
  /**
   * `host:port`, `[IPv6]:port` or `unix:/path`. Default: the environment variable
   * `CONFIG_SERVICE_ADDR`, else `localhost:9080`.
   */
  address?: string | undefined;
  /** TLS, for a server on another machine. Default: none, as the sidecar listens on loopback. */
  tls?: SecureClientSessionOptions | undefined;
  /** How long a unary call without a `timeoutMs` of its own may take. Default: 10,000. */
  defaultTimeoutMs?: number | undefined;
  /** Connect's interceptors: to add a token, a log, a trace. */
  interceptors?: Interceptor[] | undefined;
}

/** The generated service as a Connect client, and the end of its connection. */
export type ConfigServiceClient = Client<typeof ConfigService> & {
  /**
   * Closes the connection, and with it every call and stream on it. Until then the connection keeps
   * the process alive. The next call would open another one.
   */
  close(): void;
};

/**
 * Makes a client. It connects at the first call, and again after the connection was lost. A stream
 * has no time limit.
 *
 * Throws a TypeError for an option that can never work.
 */
export function createConfigServiceClient(options: ConfigServiceOptions = {}): ConfigServiceClient {
  const address = resolveAddress(options.address, process.env["CONFIG_SERVICE_ADDR"]);
  const baseUrl = `${options.tls ? "https" : "http"}://${"authority" in address ? address.authority : "localhost"}`;
  const sessionManager = new Http2SessionManager(baseUrl, ping, session(address, options.tls));
  const interceptors = options.interceptors ?? [];
  const transport = createGrpcTransport({ baseUrl, sessionManager, interceptors, readMaxBytes });
  const client = createClient(ConfigService, withTimeout(transport, options.defaultTimeoutMs ?? serverTimeoutMs));
  return Object.assign(client, { close: () => sessionManager.abort() });
}

function session(address: Address, tls: SecureClientSessionOptions | undefined): ClientSessionOptions {
  if ("authority" in address) return { ...tls };
  if (tls) throw new TypeError("tls: it is given for a Unix socket; accepted: nothing, a socket is plain");
  return { createConnection: () => connect(address.path) };
}

/** Limits unary calls; one with a limit of its own keeps that. */
function withTimeout(transport: Transport, defaultMs: number): Transport {
  if (!(defaultMs > 0)) throw new TypeError(`defaultTimeoutMs: ${defaultMs} is not usable; accepted: milliseconds, above 0`);
  return {
    unary: (method, signal, timeoutMs, ...rest) => transport.unary(method, signal, timeoutMs ?? defaultMs, ...rest),
    stream: (...call) => transport.stream(...call),
  };
}
