// Reads one key, falls back to a default, and follows the key for as long as it runs.
//
//     node dist/main.js [KEY [DEFAULT]]      DEFAULT is JSON; without them: database.pool_size 10
//
// CONFIG_SERVICE_ADDR says where the sidecar is. Prints one JSON object per line:
//
//     {"get":{"key":"database.pool_size","value":20,"layer":"SERVICE_ENVIRONMENT","freshness":"FRESH"}}
//     {"default":10,"reason":"KEY_NOT_FOUND"}   there is no such key, or nobody to ask
//     {"connected":"snapshot"}                  a stream began, with this message
//     {"value":25}                              the key changed
//     {"lost":"UNAVAILABLE"}                    the stream broke; the value stays

import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createConfigServiceClient, ErrorReason, errorReason, Layer, plainValue, State_Freshness } from "@config-service/client";
import type { Entry, WatchResponse } from "@config-service/client";

const firstDelayMs = 100;
const longestDelayMs = 5_000;

const [key = "database.pool_size", fallback = "10"] = process.argv.slice(2);
const defaultValue = JSON.parse(fallback) as JsonValue;
const client = createConfigServiceClient();
const stop = new AbortController();
const { signal } = stop;

/** The line that tells what the program works with now. */
let told = "";

/** Works with another value from now on: here, prints it when it is news. */
function use(line: JsonObject): void {
  if (JSON.stringify(line) === told) return;
  told = emit(line);
}

function useEntry(entry: Entry): void {
  // There is a value, and it is not for who asks: it must not be taken for null.
  if (entry.masked) useDefault("PERMISSION_DENIED");
  else use({ value: plainValue(entry) ?? null });
}

function useDefault(reason: string): void {
  use({ default: defaultValue, reason });
}

async function read(): Promise<void> {
  try {
    const { entry, state } = await client.get({ key }, { signal });
    if (!entry || !state) throw new ConnectError("an answer without entry or state", Code.Internal);
    const value = plainValue(entry) ?? null;
    // STALE: the store has not confirmed this value lately.
    emit({ get: { key: entry.key, value, layer: Layer[entry.layer] ?? "", freshness: State_Freshness[state.freshness] ?? "" } });
    told = JSON.stringify({ value });
  } catch (error) {
    if (isFinal(error)) throw error;
    useDefault(reason(error));
  }
}

/** Follows the key over any number of streams, until the program is stopped. */
async function follow(): Promise<never> {
  let resume: { epoch: string; revision: bigint } | undefined;
  for (let delay = firstDelayMs; ; delay = Math.min(delay * 2, longestDelayMs)) {
    let connected = false;
    try {
      // Coming back with `resume`, the first message says what happened meanwhile: a Checkpoint
      // nothing, a Snapshot possibly everything.
      for await (const message of client.watch({ keys: [key], ...(resume && { resume }) }, { signal })) {
        if (!connected) emit({ connected: message.event.case ?? "" });
        connected = true;
        apply(message);
        if (message.state) resume = { epoch: message.state.epoch, revision: message.state.revision };
      }
      throw new ConnectError("the stream ended", Code.Unavailable);
    } catch (error) {
      if (isFinal(error)) throw error;
      if (connected) {
        emit({ lost: reason(error) });
        delay = firstDelayMs;
      }
    }
    // Half of it by chance: a thousand programs must not come back in the same moment.
    await sleep(delay * (0.5 + Math.random() / 2), undefined, { signal });
  }
}

function apply({ event }: WatchResponse): void {
  // A checkpoint changes nothing. A key with an unusable value keeps the one it has.
  if (event.case === undefined || event.case === "checkpoint" || event.value.invalidKeys.includes(key)) return;
  const entry = event.value.entries.find((candidate) => candidate.key === key);
  if (entry) useEntry(entry);
  // A snapshot is everything there is; a delta names what is gone.
  else if (event.case === "snapshot" || event.value.deletedKeys.includes(key)) useDefault("KEY_NOT_FOUND");
}

/** Whether trying again makes no sense: the program is being stopped, or is refused. */
function isFinal(error: unknown): boolean {
  const refusals = [ErrorReason.INVALID_ARGUMENT, ErrorReason.UNAUTHENTICATED, ErrorReason.PERMISSION_DENIED];
  const given = errorReason(error);
  return signal.aborted || (given !== undefined && refusals.includes(given));
}

/** The reason that the service gave. Without one the connection failed, with one of many codes. */
function reason(error: unknown): string {
  return ErrorReason[errorReason(error) ?? -1] ?? "UNAVAILABLE";
}

function emit(line: JsonObject): string {
  const text = JSON.stringify(line);
  process.stdout.write(text + "\n");
  return text;
}

for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => stop.abort());
try {
  await read();
  await follow();
} catch (error) {
  if (!signal.aborted) {
    console.error(`${reason(error)}: ${ConnectError.from(error).rawMessage}`);
    process.exitCode = 1;
  }
} finally {
  client.close();
}
