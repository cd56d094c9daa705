package io.github.configservice.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.github.configservice.v1.ErrorReason;
import io.grpc.protobuf.StatusProto;
import java.util.Optional;

/** Reads why the service refused or failed a call. */
public final class ErrorReasons {
  private static final String DOMAIN = "configservice";

  private ErrorReasons() {}

  /**
   * Returns the reason that the service gave.
   *
   * @param error what a call threw
   * @return the reason; empty when the error did not come from the service, such as for a refused connection;
   *     {@link ErrorReason#ERROR_REASON_UNSPECIFIED} for a reason that this version does not know
   */
  public static Optional<ErrorReason> of(Throwable error) {
    Status status = StatusProto.fromThrowable(error);
    if (status == null) {
      return Optional.empty();
    }
    return status.getDetailsList().stream()
        .filter(detail -> detail.is(ErrorInfo.class))
        .map(ErrorReasons::unpack)
        .filter(info -> info.getDomain().equals(DOMAIN))
        .map(info -> known(info.getReason()))
        .findFirst();
  }

  private static ErrorInfo unpack(Any detail) {
    try {
      return detail.unpack(ErrorInfo.class);
    } catch (InvalidProtocolBufferException e) {
      return ErrorInfo.getDefaultInstance(); // Garbage is no reason.
    }
  }

  private static ErrorReason known(String name) {
    var value = ErrorReason.getDescriptor().findValueByName(name);
    return value == null ? ErrorReason.ERROR_REASON_UNSPECIFIED : ErrorReason.valueOf(value);
  }
}
