from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    KEY_NOT_FOUND: _ClassVar[ErrorReason]
    INVALID_ARGUMENT: _ClassVar[ErrorReason]
    UNAUTHENTICATED: _ClassVar[ErrorReason]
    PERMISSION_DENIED: _ClassVar[ErrorReason]
    VERSION_CONFLICT: _ClassVar[ErrorReason]
    VALUE_INVALID: _ClassVar[ErrorReason]
    NOT_READY: _ClassVar[ErrorReason]
    TOO_LARGE: _ClassVar[ErrorReason]
    TOO_MANY_STREAMS: _ClassVar[ErrorReason]
    NO_SUCH_METHOD: _ClassVar[ErrorReason]
    INTERNAL: _ClassVar[ErrorReason]
    SERVICE_EXISTS: _ClassVar[ErrorReason]
    SERVICE_NOT_FOUND: _ClassVar[ErrorReason]
    STORE_UNAVAILABLE: _ClassVar[ErrorReason]
    STORE_UNSUITABLE: _ClassVar[ErrorReason]
    VERSION_NOT_FOUND: _ClassVar[ErrorReason]
    SCHEMA_VIOLATION: _ClassVar[ErrorReason]
    RISK_NOT_ACCEPTED: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
KEY_NOT_FOUND: ErrorReason
INVALID_ARGUMENT: ErrorReason
UNAUTHENTICATED: ErrorReason
PERMISSION_DENIED: ErrorReason
VERSION_CONFLICT: ErrorReason
VALUE_INVALID: ErrorReason
NOT_READY: ErrorReason
TOO_LARGE: ErrorReason
TOO_MANY_STREAMS: ErrorReason
NO_SUCH_METHOD: ErrorReason
INTERNAL: ErrorReason
SERVICE_EXISTS: ErrorReason
SERVICE_NOT_FOUND: ErrorReason
STORE_UNAVAILABLE: ErrorReason
STORE_UNSUITABLE: ErrorReason
VERSION_NOT_FOUND: ErrorReason
SCHEMA_VIOLATION: ErrorReason
RISK_NOT_ACCEPTED: ErrorReason
