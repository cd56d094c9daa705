package io.github.configservice.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.configservice.v1.ConfigServiceGrpc;
import io.github.configservice.v1.GetRequest;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigServiceChannelTest {
  private static final String ACCEPTED = " is not usable; accepted: host:port, [IPv6]:port or unix:/path";

  @ParameterizedTest
  @ValueSource(strings = {
    "localhost", ":9080", "localhost:", "localhost:0", "localhost:65536", "localhost:x", "localhost:9080/", "http://localhost:9080",
    "::1:9080", "[::1]", "[::g]:9080", "[::1::2]:9080", "[localhost]:9080", "local host:9080", " localhost:9080", "localhost:9080\n",
    "unix:", "unix:relative", "dns:///localhost:9080",
  })
  void aMalformedAddressIsRefusedAtOnce(String address) {
    var error = assertThrows(IllegalArgumentException.class, () -> ConfigServiceChannel.open(address));
    assertEquals("address: \"" + address + '"' + ACCEPTED, error.getMessage());
  }

  @Test
  void theErrorNamesTheVariableAndNoCredential() {
    var variable = assertThrows(IllegalArgumentException.class, () -> ConfigServiceChannel.target("", "localhost"));
    assertEquals("CONFIG_SERVICE_ADDR: \"localhost\"" + ACCEPTED, variable.getMessage());
    var secret = assertThrows(IllegalArgumentException.class, () -> ConfigServiceChannel.open("me:secret@localhost:9080"));
    assertFalse(secret.getMessage().contains("secret"));
  }

  @Test
  void theArgumentComesBeforeTheEnvironment() {
    assertEquals("dns:///[::1]:1", ConfigServiceChannel.target("[::1]:1", "localhost:2"));
    assertEquals("dns:///localhost:2", ConfigServiceChannel.target("", "localhost:2"));
    assertEquals("dns:///localhost:9080", ConfigServiceChannel.target(null, ""));
    assertEquals("unix:/run/a b.sock", ConfigServiceChannel.target("unix:/run/a b.sock", null));
  }

  @Test
  void anErrorFromElsewhereHasNoReason() {
    ManagedChannel channel = ConfigServiceChannel.open("127.0.0.1:1"); // Nobody listens there.
    try {
      var stub = ConfigServiceGrpc.newBlockingStub(channel);
      var error = assertThrows(StatusRuntimeException.class, () -> stub.get(GetRequest.getDefaultInstance()));
      assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
      assertFalse(ErrorReasons.of(error).isPresent());
      assertFalse(ErrorReasons.of(new IllegalStateException()).isPresent());
    } finally {
      channel.shutdownNow();
    }
  }
}
