"""Reads one key and waits for its first change, with the generated stub alone.

    python main.py [ADDRESS [KEY]]      default: localhost:9080 database.pool_size

Prints one JSON object per line. It needs what requirements.txt names.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

# The generated package is `configservice`. This example takes it from the repository;
# in your project, put the folder gen/python/configservice where Python finds it.
sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "gen" / "python"))

import grpc
from configservice.v1 import config_service_pb2 as pb
from configservice.v1.config_service_pb2_grpc import ConfigServiceStub
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Value
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status


def get(stub: ConfigServiceStub, key: str) -> None:
    # Always set a deadline. Namespace and environment are left out: the sidecar
    # answers for the service it was started for.
    answer = stub.Get(pb.GetRequest(key=key), timeout=30)
    emit(
        {
            "get": {
                "key": answer.entry.key,
                "value": plain(answer.entry.value),
                "layer": pb.Layer.Name(answer.entry.layer),
                # STALE: the store has not confirmed this value lately.
                "freshness": pb.State.Freshness.Name(answer.state.freshness),
            }
        }
    )


def watch(stub: ConfigServiceStub, key: str) -> bool:
    """Prints each step of the stream; True after the first delta."""
    # No deadline: the stream is meant to stay open. Checkpoints show that it is alive.
    # A real client keeps state.epoch and state.revision of the last message, and
    # comes back with them in WatchRequest.resume when the stream breaks.
    stream = stub.Watch(pb.WatchRequest(keys=[key], checkpoint_interval=Duration(seconds=1)))
    for message in stream:
        event = message.WhichOneof("event")
        if event == "snapshot":  # Replaces everything known so far.
            emit({"snapshot": values(message.snapshot.entries)})
        elif event == "delta":  # One atomic step: apply all of it.
            delta = message.delta
            emit({"delta": values(delta.entries), "deleted": list(delta.deleted_keys)})
            stream.cancel()
            return True
        elif event == "checkpoint":  # No change; message.state is the news.
            emit({"checkpoint": True})
    return False


def plain(value: Value) -> object:
    """The value as Python knows it. json_format would do, but gives 20.0 for 20."""
    match value.WhichOneof("kind"):
        case "number_value":  # Always a double; a whole one is an int here.
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [plain(item) for item in value.list_value.values]
        case "struct_value":
            return {name: plain(v) for name, v in value.struct_value.fields.items()}
    return None  # null_value: null is a value like any other.


def values(entries: Iterable[pb.Entry]) -> dict[str, object]:
    return {entry.key: plain(entry.value) for entry in entries}


def emit(line: dict[str, object]) -> None:
    print(json.dumps(line, ensure_ascii=False, separators=(",", ":")), flush=True)


def reason(error: grpc.RpcError) -> str:
    """The ErrorInfo reason; the code when the error did not come from the server."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info):  # False: another kind of detail.
            return info.reason
    return error.code().name


def main() -> int:
    address = sys.argv[1] if len(sys.argv) > 1 else "localhost:9080"
    key = sys.argv[2] if len(sys.argv) > 2 else "database.pool_size"
    with grpc.insecure_channel(address) as channel:
        stub = ConfigServiceStub(channel)
        try:
            get(stub, key)
            if watch(stub, key):
                return 0
        except grpc.RpcError as error:
            print(f"{reason(error)}: {error.details()}", file=sys.stderr)
            return 1
    print("UNAVAILABLE: the stream ended", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
