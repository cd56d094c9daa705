import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTION_UNSPECIFIED: _ClassVar[Action]
    READ: _ClassVar[Action]
    WRITE: _ClassVar[Action]
    ADMINISTER: _ClassVar[Action]
    READ_SENSITIVE: _ClassVar[Action]
ACTION_UNSPECIFIED: Action
READ: Action
WRITE: Action
ADMINISTER: Action
READ_SENSITIVE: Action

class Identity(_message.Message):
    __slots__ = ("name", "namespace", "environment", "evidence", "credential", "expire_time")
    class Evidence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EVIDENCE_UNSPECIFIED: _ClassVar[Identity.Evidence]
        LOCAL: _ClassVar[Identity.Evidence]
        TOKEN: _ClassVar[Identity.Evidence]
        JWT: _ClassVar[Identity.Evidence]
        CERTIFICATE: _ClassVar[Identity.Evidence]
        UNIX_USER: _ClassVar[Identity.Evidence]
    EVIDENCE_UNSPECIFIED: Identity.Evidence
    LOCAL: Identity.Evidence
    TOKEN: Identity.Evidence
    JWT: Identity.Evidence
    CERTIFICATE: Identity.Evidence
    UNIX_USER: Identity.Evidence
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    namespace: str
    environment: str
    evidence: Identity.Evidence
    credential: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., namespace: _Optional[str] = ..., environment: _Optional[str] = ..., evidence: _Optional[_Union[Identity.Evidence, str]] = ..., credential: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class WhoAmIRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WhoAmIResponse(_message.Message):
    __slots__ = ("identity", "role")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    identity: Identity
    role: str
    def __init__(self, identity: _Optional[_Union[Identity, _Mapping]] = ..., role: _Optional[str] = ...) -> None: ...

class CanIRequest(_message.Message):
    __slots__ = ("action", "namespace", "environment")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    action: Action
    namespace: str
    environment: str
    def __init__(self, action: _Optional[_Union[Action, str]] = ..., namespace: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class CanIResponse(_message.Message):
    __slots__ = ("allowed", "reason")
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    reason: str
    def __init__(self, allowed: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...
