export * from "./gen/config_service_pb.js";
export * from "./gen/error_reason_pb.js";
export { createConfigServiceClient, type ConfigServiceClient, type ConfigServiceOptions } from "./client.js";
export { errorReason } from "./error-reason.js";
export { plainValue } from "./plain-value.js";
