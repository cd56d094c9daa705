// Reads one key and waits for its first change, with the generated stub alone.
//
//     node dist/main.js [ADDRESS [KEY]]      default: localhost:9080 database.pool_size
//
// Prints one JSON object per line. See clients/README.md for setting it up.

import { createFileRegistry, fromJson, toJson, type JsonObject } from "@bufbuild/protobuf";
import { durationFromMs, FileDescriptorProtoSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Client } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
// The build puts a copy of the repository's gen/typescript here. In your project, put the
// folder gen/typescript/configservice among your sources.
import { ConfigService, Layer, State_Freshness } from "./gen/configservice/v1/config_service_pb.js";
import type { Entry } from "./gen/configservice/v1/config_service_pb.js";

async function get(client: Client<typeof ConfigService>, key: string): Promise<void> {
  // Always set a deadline. Namespace and environment are left out: the sidecar answers
  // for the service it was started for.
  const { entry, state } = await client.get({ key }, { timeoutMs: 30_000 });
  if (!entry || !state) throw new ConnectError("an answer without entry or state", Code.Internal);
  emit({
    get: {
      key: entry.key,
      value: plain(entry),
      layer: Layer[entry.layer] ?? entry.layer,
      // STALE: the store has not confirmed this value lately.
      freshness: State_Freshness[state.freshness] ?? state.freshness,
    },
  });
}

/** Prints each step of the stream, up to the first delta. */
async function watch(client: Client<typeof ConfigService>, key: string): Promise<void> {
  // No deadline: the stream is meant to stay open. Checkpoints show that it is alive.
  // A real client keeps state.epoch and state.revision of the last message, and comes
  // back with them in WatchRequest.resume when the stream breaks.
  const stream = client.watch({ keys: [key], checkpointInterval: durationFromMs(1_000) });
  for await (const { event } of stream) {
    switch (event.case) {
      case "snapshot": // Replaces everything known so far.
        emit({ snapshot: values(event.value.entries) });
        break;
      case "delta": // One atomic step: apply all of it.
        emit({ delta: values(event.value.entries), deleted: event.value.deletedKeys });
        return; // Leaving the loop cancels the call.
      case "checkpoint": // No change; message.state is the news.
        emit({ checkpoint: true });
        break;
    }
  }
  throw new ConnectError("the stream ended", Code.Unavailable);
}

/** The value as JavaScript knows it: null, boolean, number, string, array or object. */
function plain(entry: Entry) {
  return entry.value ? toJson(ValueSchema, entry.value) : null;
}

function values(entries: Entry[]): JsonObject {
  return Object.fromEntries(entries.map((entry) => [entry.key, plain(entry)]));
}

function emit(line: JsonObject): void {
  process.stdout.write(JSON.stringify(line) + "\n");
}

// The schema of the error detail that carries the reason, as far as it is used here. The
// library does not bring it; a project that generates google/rpc/error_details.proto
// imports ErrorInfoSchema from there instead.
const reasonField = { name: "reason", number: 1, type: "TYPE_STRING", label: "LABEL_OPTIONAL" };
const details = createFileRegistry(
  fromJson(FileDescriptorProtoSchema, {
    name: "google/rpc/error_details.proto",
    package: "google.rpc",
    syntax: "proto3",
    messageType: [{ name: "ErrorInfo", field: [reasonField] }],
  }),
  () => undefined, // No imports to resolve.
);

/** The ErrorInfo reason; the code when the error did not come from the server. */
function reason(error: ConnectError): string {
  for (const info of error.findDetails(details)) {
    if ("reason" in info && typeof info.reason === "string") return info.reason;
  }
  return Code[error.code].replace(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase(); // NotFound: NOT_FOUND
}

const [address = "localhost:9080", key = "database.pool_size"] = process.argv.slice(2);
const baseUrl = `http://${address}`; // http: plaintext HTTP/2
const sessionManager = new Http2SessionManager(baseUrl);
const client = createClient(ConfigService, createGrpcTransport({ baseUrl, sessionManager }));
try {
  await get(client, key);
  await watch(client, key);
} catch (cause) {
  const error = ConnectError.from(cause);
  console.error(`${reason(error)}: ${error.rawMessage}`);
  process.exitCode = 1;
} finally {
  sessionManager.abort(); // Closes the connection, which would keep the process alive.
}
