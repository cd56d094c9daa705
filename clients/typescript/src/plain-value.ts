import { toJson, type JsonValue } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Entry } from "./gen/config_service_pb.js";

/**
 * The value of an entry as JavaScript knows it: null, boolean, number, string, array or object.
 * Undefined only without an entry, and for one that is `masked`, whose value is not for who asks: null
 * is a value.
 */
export function plainValue(entry: Entry | undefined): JsonValue | undefined {
  return entry?.value && toJson(ValueSchema, entry.value);
}
