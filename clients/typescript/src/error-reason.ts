import { createFileRegistry, fromJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { ErrorReason } from "./gen/error_reason_pb.js";

// google.rpc.ErrorInfo, as far as it is read here; @bufbuild/protobuf does not bring it.
const text = { type: "TYPE_STRING", label: "LABEL_OPTIONAL" };
const details = createFileRegistry(
  fromJson(FileDescriptorProtoSchema, {
    name: "google/rpc/error_details.proto",
    package: "google.rpc",
    syntax: "proto3",
    messageType: [
      { name: "ErrorInfo", field: [{ name: "reason", number: 1, ...text }, { name: "domain", number: 2, ...text }] },
    ],
  }),
  () => undefined, // it imports nothing
);

/**
 * Why the service refused or failed a call. Undefined for what did not come from the service, such
 * as a refused connection; `ConnectError.from(error).code` tells more about that. A reason that this
 * version does not know is ERROR_REASON_UNSPECIFIED.
 */
export function errorReason(error: unknown): ErrorReason | undefined {
  for (const info of ConnectError.from(error).findDetails(details)) {
    if (!("reason" in info) || !("domain" in info) || info.domain !== "configservice") continue;
    const known = Object.entries(ErrorReason).find(([name]) => name === info.reason)?.[1];
    return typeof known === "number" ? known : ErrorReason.ERROR_REASON_UNSPECIFIED;
  }
  return undefined;
}
