import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Layer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAYER_UNSPECIFIED: _ClassVar[Layer]
    SERVICE_ENVIRONMENT: _ClassVar[Layer]
    SERVICE: _ClassVar[Layer]
    SHARED_ENVIRONMENT: _ClassVar[Layer]
    SHARED: _ClassVar[Layer]
LAYER_UNSPECIFIED: Layer
SERVICE_ENVIRONMENT: Layer
SERVICE: Layer
SHARED_ENVIRONMENT: Layer
SHARED: Layer

class State(_message.Message):
    __slots__ = ("epoch", "revision", "freshness", "source", "verified_time", "namespace", "environment")
    class Freshness(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FRESHNESS_UNSPECIFIED: _ClassVar[State.Freshness]
        FRESH: _ClassVar[State.Freshness]
        STALE: _ClassVar[State.Freshness]
    FRESHNESS_UNSPECIFIED: State.Freshness
    FRESH: State.Freshness
    STALE: State.Freshness
    class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SOURCE_UNSPECIFIED: _ClassVar[State.Source]
        LIVE: _ClassVar[State.Source]
        DISK: _ClassVar[State.Source]
    SOURCE_UNSPECIFIED: State.Source
    LIVE: State.Source
    DISK: State.Source
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_TIME_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    revision: int
    freshness: State.Freshness
    source: State.Source
    verified_time: _timestamp_pb2.Timestamp
    namespace: str
    environment: str
    def __init__(self, epoch: _Optional[str] = ..., revision: _Optional[int] = ..., freshness: _Optional[_Union[State.Freshness, str]] = ..., source: _Optional[_Union[State.Source, str]] = ..., verified_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., namespace: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("key", "value", "revision", "layer", "masked")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: _struct_pb2.Value
    revision: int
    layer: Layer
    masked: bool
    def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., revision: _Optional[int] = ..., layer: _Optional[_Union[Layer, str]] = ..., masked: _Optional[bool] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("key", "namespace", "environment", "min_revision")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    key: str
    namespace: str
    environment: str
    min_revision: int
    def __init__(self, key: _Optional[str] = ..., namespace: _Optional[str] = ..., environment: _Optional[str] = ..., min_revision: _Optional[int] = ...) -> None: ...

class GetResponse(_message.Message):
    __slots__ = ("entry", "state")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    entry: Entry
    state: State
    def __init__(self, entry: _Optional[_Union[Entry, _Mapping]] = ..., state: _Optional[_Union[State, _Mapping]] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("prefix", "keys", "namespace", "environment", "min_revision", "include_hidden")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_HIDDEN_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    keys: _containers.RepeatedScalarFieldContainer[str]
    namespace: str
    environment: str
    min_revision: int
    include_hidden: bool
    def __init__(self, prefix: _Optional[str] = ..., keys: _Optional[_Iterable[str]] = ..., namespace: _Optional[str] = ..., environment: _Optional[str] = ..., min_revision: _Optional[int] = ..., include_hidden: _Optional[bool] = ...) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("entries", "invalid_keys", "state", "changed_revision", "hidden_entries")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    INVALID_KEYS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CHANGED_REVISION_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    invalid_keys: _containers.RepeatedScalarFieldContainer[str]
    state: State
    changed_revision: int
    hidden_entries: _containers.RepeatedCompositeFieldContainer[HiddenEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., invalid_keys: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[State, _Mapping]] = ..., changed_revision: _Optional[int] = ..., hidden_entries: _Optional[_Iterable[_Union[HiddenEntry, _Mapping]]] = ...) -> None: ...

class HiddenEntry(_message.Message):
    __slots__ = ("key", "layer", "value", "revision", "hidden_by", "masked")
    KEY_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_BY_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    key: str
    layer: Layer
    value: _struct_pb2.Value
    revision: int
    hidden_by: Candidate.Hider
    masked: bool
    def __init__(self, key: _Optional[str] = ..., layer: _Optional[_Union[Layer, str]] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., revision: _Optional[int] = ..., hidden_by: _Optional[_Union[Candidate.Hider, _Mapping]] = ..., masked: _Optional[bool] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("prefix", "keys", "namespace", "environment", "resume", "checkpoint_interval")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    keys: _containers.RepeatedScalarFieldContainer[str]
    namespace: str
    environment: str
    resume: ResumePoint
    checkpoint_interval: _duration_pb2.Duration
    def __init__(self, prefix: _Optional[str] = ..., keys: _Optional[_Iterable[str]] = ..., namespace: _Optional[str] = ..., environment: _Optional[str] = ..., resume: _Optional[_Union[ResumePoint, _Mapping]] = ..., checkpoint_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ResumePoint(_message.Message):
    __slots__ = ("epoch", "revision")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    revision: int
    def __init__(self, epoch: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("state", "snapshot", "delta", "checkpoint")
    STATE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    state: State
    snapshot: Snapshot
    delta: Delta
    checkpoint: Checkpoint
    def __init__(self, state: _Optional[_Union[State, _Mapping]] = ..., snapshot: _Optional[_Union[Snapshot, _Mapping]] = ..., delta: _Optional[_Union[Delta, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("entries", "invalid_keys")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    INVALID_KEYS_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    invalid_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., invalid_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class Delta(_message.Message):
    __slots__ = ("entries", "deleted_keys", "from_revision", "invalid_keys")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    DELETED_KEYS_FIELD_NUMBER: _ClassVar[int]
    FROM_REVISION_FIELD_NUMBER: _ClassVar[int]
    INVALID_KEYS_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    deleted_keys: _containers.RepeatedScalarFieldContainer[str]
    from_revision: int
    invalid_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., deleted_keys: _Optional[_Iterable[str]] = ..., from_revision: _Optional[int] = ..., invalid_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("key", "namespace", "environment")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    key: str
    namespace: str
    environment: str
    def __init__(self, key: _Optional[str] = ..., namespace: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("entry", "candidates", "state", "similar_keys")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SIMILAR_KEYS_FIELD_NUMBER: _ClassVar[int]
    entry: Entry
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    state: State
    similar_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, entry: _Optional[_Union[Entry, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., state: _Optional[_Union[State, _Mapping]] = ..., similar_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("layer", "outcome", "value", "revision", "hidden_by", "problem", "masked")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[Candidate.Outcome]
        ABSENT: _ClassVar[Candidate.Outcome]
        EFFECTIVE: _ClassVar[Candidate.Outcome]
        HIDDEN: _ClassVar[Candidate.Outcome]
        INVALID: _ClassVar[Candidate.Outcome]
    OUTCOME_UNSPECIFIED: Candidate.Outcome
    ABSENT: Candidate.Outcome
    EFFECTIVE: Candidate.Outcome
    HIDDEN: Candidate.Outcome
    INVALID: Candidate.Outcome
    class Hider(_message.Message):
        __slots__ = ("key", "layer")
        KEY_FIELD_NUMBER: _ClassVar[int]
        LAYER_FIELD_NUMBER: _ClassVar[int]
        key: str
        layer: Layer
        def __init__(self, key: _Optional[str] = ..., layer: _Optional[_Union[Layer, str]] = ...) -> None: ...
    class Problem(_message.Message):
        __slots__ = ("description", "revision")
        DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
        REVISION_FIELD_NUMBER: _ClassVar[int]
        description: str
        revision: int
        def __init__(self, description: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...
    LAYER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_BY_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    layer: Layer
    outcome: Candidate.Outcome
    value: _struct_pb2.Value
    revision: int
    hidden_by: Candidate.Hider
    problem: Candidate.Problem
    masked: bool
    def __init__(self, layer: _Optional[_Union[Layer, str]] = ..., outcome: _Optional[_Union[Candidate.Outcome, str]] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., revision: _Optional[int] = ..., hidden_by: _Optional[_Union[Candidate.Hider, _Mapping]] = ..., problem: _Optional[_Union[Candidate.Problem, _Mapping]] = ..., masked: _Optional[bool] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ("namespace", "environment")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "role", "time", "state", "invalid_keys", "schema", "missing_keys")
    class SchemaState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SCHEMA_STATE_UNSPECIFIED: _ClassVar[GetStatusResponse.SchemaState]
        UNKNOWN: _ClassVar[GetStatusResponse.SchemaState]
        NONE: _ClassVar[GetStatusResponse.SchemaState]
        KNOWN: _ClassVar[GetStatusResponse.SchemaState]
    SCHEMA_STATE_UNSPECIFIED: GetStatusResponse.SchemaState
    UNKNOWN: GetStatusResponse.SchemaState
    NONE: GetStatusResponse.SchemaState
    KNOWN: GetStatusResponse.SchemaState
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    INVALID_KEYS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    MISSING_KEYS_FIELD_NUMBER: _ClassVar[int]
    version: str
    role: str
    time: _timestamp_pb2.Timestamp
    state: State
    invalid_keys: _containers.RepeatedScalarFieldContainer[str]
    schema: GetStatusResponse.SchemaState
    missing_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, version: _Optional[str] = ..., role: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[State, _Mapping]] = ..., invalid_keys: _Optional[_Iterable[str]] = ..., schema: _Optional[_Union[GetStatusResponse.SchemaState, str]] = ..., missing_keys: _Optional[_Iterable[str]] = ...) -> None: ...
