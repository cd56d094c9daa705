import datetime

from configservice.admin.v1 import schemas_pb2 as _schemas_pb2
from configservice.admin.v1 import versions_pb2 as _versions_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Service(_message.Message):
    __slots__ = ("namespace", "environment", "create_time", "created_by", "tokens")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    create_time: _timestamp_pb2.Timestamp
    created_by: str
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_by: _Optional[str] = ..., tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("id", "create_time", "created_by", "expire_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    create_time: _timestamp_pb2.Timestamp
    created_by: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_by: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RegisterServiceRequest(_message.Message):
    __slots__ = ("namespace", "environment")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class RegisterServiceResponse(_message.Message):
    __slots__ = ("service", "token")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    service: Service
    token: str
    def __init__(self, service: _Optional[_Union[Service, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class RotateTokenRequest(_message.Message):
    __slots__ = ("namespace", "environment", "overlap")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    overlap: _duration_pb2.Duration
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., overlap: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RotateTokenResponse(_message.Message):
    __slots__ = ("service", "token")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    service: Service
    token: str
    def __init__(self, service: _Optional[_Union[Service, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class RevokeServiceRequest(_message.Message):
    __slots__ = ("namespace", "environment")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class RevokeServiceResponse(_message.Message):
    __slots__ = ("service", "revoked_token_ids")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    REVOKED_TOKEN_IDS_FIELD_NUMBER: _ClassVar[int]
    service: Service
    revoked_token_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, service: _Optional[_Union[Service, _Mapping]] = ..., revoked_token_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ListServicesRequest(_message.Message):
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

class ListServicesResponse(_message.Message):
    __slots__ = ("services", "next_page_token")
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    services: _containers.RepeatedCompositeFieldContainer[Service]
    next_page_token: str
    def __init__(self, services: _Optional[_Iterable[_Union[Service, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteServiceRequest(_message.Message):
    __slots__ = ("namespace", "environment", "all_environments")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    ALL_ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    environment: str
    all_environments: bool
    def __init__(self, namespace: _Optional[str] = ..., environment: _Optional[str] = ..., all_environments: _Optional[bool] = ...) -> None: ...

class DeleteServiceResponse(_message.Message):
    __slots__ = ("deleted_keys", "deleted_tokens")
    DELETED_KEYS_FIELD_NUMBER: _ClassVar[int]
    DELETED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    deleted_keys: int
    deleted_tokens: int
    def __init__(self, deleted_keys: _Optional[int] = ..., deleted_tokens: _Optional[int] = ...) -> None: ...
