import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Change(_message.Message):
    __slots__ = ("environment", "key", "set", "delete")
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    environment: str
    key: str
    set: _struct_pb2.Value
    delete: bool
    def __init__(self, environment: _Optional[str] = ..., key: _Optional[str] = ..., set: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., delete: _Optional[bool] = ...) -> None: ...

class CommitRequest(_message.Message):
    __slots__ = ("namespace", "environment", "changes", "expected_versions", "message", "request_id", "dry_run", "plan_hash", "accepted_risks")
    class ExpectedVersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    PLAN_HASH_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_RISKS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    expected_versions: _containers.ScalarMap[str, int]
    message: str
    request_id: str
    dry_run: bool
    plan_hash: str
    accepted_risks: _containers.RepeatedScalarFieldContainer[Finding.Kind]
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., expected_versions: _Optional[_Mapping[str, int]] = ..., message: _Optional[str] = ..., request_id: _Optional[str] = ..., dry_run: _Optional[bool] = ..., plan_hash: _Optional[str] = ..., accepted_risks: _Optional[_Iterable[_Union[Finding.Kind, str]]] = ...) -> None: ...

class CommitResponse(_message.Message):
    __slots__ = ("versions", "revision", "differences", "findings", "plan_hash", "affected_services", "affected_service_count")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    PLAN_HASH_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_SERVICES_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_SERVICE_COUNT_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[Version]
    revision: int
    differences: _containers.RepeatedCompositeFieldContainer[Difference]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    plan_hash: str
    affected_services: _containers.RepeatedCompositeFieldContainer[AffectedService]
    affected_service_count: int
    def __init__(self, versions: _Optional[_Iterable[_Union[Version, _Mapping]]] = ..., revision: _Optional[int] = ..., differences: _Optional[_Iterable[_Union[Difference, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., plan_hash: _Optional[str] = ..., affected_services: _Optional[_Iterable[_Union[AffectedService, _Mapping]]] = ..., affected_service_count: _Optional[int] = ...) -> None: ...

class AffectedService(_message.Message):
    __slots__ = ("namespace", "environment", "keys")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    keys: int
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., keys: _Optional[int] = ...) -> None: ...

class Difference(_message.Message):
    __slots__ = ("environment", "key", "old", "new")
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    environment: str
    key: str
    old: Content
    new: Content
    def __init__(self, environment: _Optional[str] = ..., key: _Optional[str] = ..., old: _Optional[_Union[Content, _Mapping]] = ..., new: _Optional[_Union[Content, _Mapping]] = ...) -> None: ...

class Content(_message.Message):
    __slots__ = ("value", "problem", "masked")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    MASKED_FIELD_NUMBER: _ClassVar[int]
    value: _struct_pb2.Value
    problem: str
    masked: bool
    def __init__(self, value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., problem: _Optional[str] = ..., masked: _Optional[bool] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("kind", "refused", "environment", "key", "message", "namespace", "needs_acceptance")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Finding.Kind]
        CONFLICT: _ClassVar[Finding.Kind]
        LIMIT: _ClassVar[Finding.Kind]
        NO_CHANGE: _ClassVar[Finding.Kind]
        EXTERNAL: _ClassVar[Finding.Kind]
        HIDDEN: _ClassVar[Finding.Kind]
        UNUSABLE: _ClassVar[Finding.Kind]
        SCHEMA: _ClassVar[Finding.Kind]
        REMOVED: _ClassVar[Finding.Kind]
        TYPE_CHANGED: _ClassVar[Finding.Kind]
        MANY_KEYS: _ClassVar[Finding.Kind]
        MANY_SERVICES: _ClassVar[Finding.Kind]
    KIND_UNSPECIFIED: Finding.Kind
    CONFLICT: Finding.Kind
    LIMIT: Finding.Kind
    NO_CHANGE: Finding.Kind
    EXTERNAL: Finding.Kind
    HIDDEN: Finding.Kind
    UNUSABLE: Finding.Kind
    SCHEMA: Finding.Kind
    REMOVED: Finding.Kind
    TYPE_CHANGED: Finding.Kind
    MANY_KEYS: Finding.Kind
    MANY_SERVICES: Finding.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NEEDS_ACCEPTANCE_FIELD_NUMBER: _ClassVar[int]
    kind: Finding.Kind
    refused: bool
    environment: str
    key: str
    message: str
    namespace: str
    needs_acceptance: bool
    def __init__(self, kind: _Optional[_Union[Finding.Kind, str]] = ..., refused: _Optional[bool] = ..., environment: _Optional[str] = ..., key: _Optional[str] = ..., message: _Optional[str] = ..., namespace: _Optional[str] = ..., needs_acceptance: _Optional[bool] = ...) -> None: ...

class Version(_message.Message):
    __slots__ = ("namespace", "environment", "version", "kind", "time", "author", "message", "request_id", "to_version", "set_keys", "deleted_keys", "revision")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Version.Kind]
        COMMIT: _ClassVar[Version.Kind]
        ROLLBACK: _ClassVar[Version.Kind]
        EXTERNAL: _ClassVar[Version.Kind]
    KIND_UNSPECIFIED: Version.Kind
    COMMIT: Version.Kind
    ROLLBACK: Version.Kind
    EXTERNAL: Version.Kind
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    SET_KEYS_FIELD_NUMBER: _ClassVar[int]
    DELETED_KEYS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    version: int
    kind: Version.Kind
    time: _timestamp_pb2.Timestamp
    author: str
    message: str
    request_id: str
    to_version: int
    set_keys: int
    deleted_keys: int
    revision: int
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., version: _Optional[int] = ..., kind: _Optional[_Union[Version.Kind, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., author: _Optional[str] = ..., message: _Optional[str] = ..., request_id: _Optional[str] = ..., to_version: _Optional[int] = ..., set_keys: _Optional[int] = ..., deleted_keys: _Optional[int] = ..., revision: _Optional[int] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ("namespace", "environment", "to_version", "expected_version", "message", "request_id", "dry_run", "plan_hash", "accepted_risks")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    PLAN_HASH_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_RISKS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    to_version: int
    expected_version: int
    message: str
    request_id: str
    dry_run: bool
    plan_hash: str
    accepted_risks: _containers.RepeatedScalarFieldContainer[Finding.Kind]
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., to_version: _Optional[int] = ..., expected_version: _Optional[int] = ..., message: _Optional[str] = ..., request_id: _Optional[str] = ..., dry_run: _Optional[bool] = ..., plan_hash: _Optional[str] = ..., accepted_risks: _Optional[_Iterable[_Union[Finding.Kind, str]]] = ...) -> None: ...

class RollbackResponse(_message.Message):
    __slots__ = ("version", "revision", "differences", "findings", "plan_hash", "affected_services", "affected_service_count")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    PLAN_HASH_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_SERVICES_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_SERVICE_COUNT_FIELD_NUMBER: _ClassVar[int]
    version: Version
    revision: int
    differences: _containers.RepeatedCompositeFieldContainer[Difference]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    plan_hash: str
    affected_services: _containers.RepeatedCompositeFieldContainer[AffectedService]
    affected_service_count: int
    def __init__(self, version: _Optional[_Union[Version, _Mapping]] = ..., revision: _Optional[int] = ..., differences: _Optional[_Iterable[_Union[Difference, _Mapping]]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., plan_hash: _Optional[str] = ..., affected_services: _Optional[_Iterable[_Union[AffectedService, _Mapping]]] = ..., affected_service_count: _Optional[int] = ...) -> None: ...

class ListVersionsRequest(_message.Message):
    __slots__ = ("namespace", "environment", "key", "author", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    key: str
    author: str
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., key: _Optional[str] = ..., author: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListVersionsResponse(_message.Message):
    __slots__ = ("versions", "next_page_token")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[Version]
    next_page_token: str
    def __init__(self, versions: _Optional[_Iterable[_Union[Version, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetVersionRequest(_message.Message):
    __slots__ = ("namespace", "environment", "version")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    version: int
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetVersionResponse(_message.Message):
    __slots__ = ("version", "differences", "entries")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    version: Version
    differences: _containers.RepeatedCompositeFieldContainer[Difference]
    entries: _containers.RepeatedCompositeFieldContainer[ScopeEntry]
    def __init__(self, version: _Optional[_Union[Version, _Mapping]] = ..., differences: _Optional[_Iterable[_Union[Difference, _Mapping]]] = ..., entries: _Optional[_Iterable[_Union[ScopeEntry, _Mapping]]] = ...) -> None: ...

class ScopeEntry(_message.Message):
    __slots__ = ("key", "content", "version", "author", "time", "shadows")
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SHADOWS_FIELD_NUMBER: _ClassVar[int]
    key: str
    content: Content
    version: int
    author: str
    time: _timestamp_pb2.Timestamp
    shadows: _containers.RepeatedCompositeFieldContainer[Shadowed]
    def __init__(self, key: _Optional[str] = ..., content: _Optional[_Union[Content, _Mapping]] = ..., version: _Optional[int] = ..., author: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shadows: _Optional[_Iterable[_Union[Shadowed, _Mapping]]] = ...) -> None: ...

class Shadowed(_message.Message):
    __slots__ = ("namespace", "environment", "content")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    content: Content
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., content: _Optional[_Union[Content, _Mapping]] = ...) -> None: ...

class GetScopeRequest(_message.Message):
    __slots__ = ("namespace", "environment", "prefix", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    prefix: str
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetScopeResponse(_message.Message):
    __slots__ = ("head", "entries", "next_page_token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: ScopeHead
    entries: _containers.RepeatedCompositeFieldContainer[ScopeEntry]
    next_page_token: str
    def __init__(self, head: _Optional[_Union[ScopeHead, _Mapping]] = ..., entries: _Optional[_Iterable[_Union[ScopeEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ScopeHead(_message.Message):
    __slots__ = ("namespace", "environment", "version", "keys", "bytes", "time", "author", "revision", "changed_externally")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_EXTERNALLY_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    version: int
    keys: int
    bytes: int
    time: _timestamp_pb2.Timestamp
    author: str
    revision: int
    changed_externally: bool
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., version: _Optional[int] = ..., keys: _Optional[int] = ..., bytes: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., author: _Optional[str] = ..., revision: _Optional[int] = ..., changed_externally: _Optional[bool] = ...) -> None: ...

class DiffRequest(_message.Message):
    __slots__ = ("namespace", "environment", "to")
    class Side(_message.Message):
        __slots__ = ("environment", "version")
        ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
        VERSION_FIELD_NUMBER: _ClassVar[int]
        environment: str
        version: int
        def __init__(self, environment: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    to: DiffRequest.Side
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., to: _Optional[_Union[DiffRequest.Side, _Mapping]] = ..., **kwargs) -> None: ...

class DiffResponse(_message.Message):
    __slots__ = ("differences", "from_version", "to_version")
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    differences: _containers.RepeatedCompositeFieldContainer[Difference]
    from_version: int
    to_version: int
    def __init__(self, differences: _Optional[_Iterable[_Union[Difference, _Mapping]]] = ..., from_version: _Optional[int] = ..., to_version: _Optional[int] = ...) -> None: ...

class ListNamespacesRequest(_message.Message):
    __slots__ = ("namespace", "environment", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListNamespacesResponse(_message.Message):
    __slots__ = ("scopes", "next_page_token")
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    scopes: _containers.RepeatedCompositeFieldContainer[ScopeHead]
    next_page_token: str
    def __init__(self, scopes: _Optional[_Iterable[_Union[ScopeHead, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchHeadsRequest(_message.Message):
    __slots__ = ("namespace", "environment")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class WatchHeadsResponse(_message.Message):
    __slots__ = ("scopes", "deleted", "listed", "revision")
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    LISTED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    scopes: _containers.RepeatedCompositeFieldContainer[ScopeHead]
    deleted: _containers.RepeatedCompositeFieldContainer[ScopeName]
    listed: bool
    revision: int
    def __init__(self, scopes: _Optional[_Iterable[_Union[ScopeHead, _Mapping]]] = ..., deleted: _Optional[_Iterable[_Union[ScopeName, _Mapping]]] = ..., listed: _Optional[bool] = ..., revision: _Optional[int] = ...) -> None: ...

class ScopeName(_message.Message):
    __slots__ = ("namespace", "environment")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("key", "value", "namespace", "environment", "page_size", "page_token")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    namespace: str
    environment: str
    page_size: int
    page_token: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ..., namespace: _Optional[str] = ..., environment: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("results", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SearchResult]
    next_page_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[SearchResult, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SearchResult(_message.Message):
    __slots__ = ("namespace", "environment", "key", "content", "revision")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    key: str
    content: Content
    revision: int
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., key: _Optional[str] = ..., content: _Optional[_Union[Content, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...
