package io.github.configservice.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import java.util.concurrent.TimeUnit;

/**
 * Makes channels to the service, for the stubs of {@link io.github.configservice.v1.ConfigServiceGrpc}.
 *
 * <p>A channel connects at its first call. Who opens it shuts it down. While it is connected it is
 * pinged every 20 s and given up when no answer comes within 10 s: a dead sidecar ends a stream with
 * UNAVAILABLE instead of silence. A unary call without a deadline gets one of 10 s, after which the
 * server has given up, too; a stream has none. Proxies that the environment or the JVM names are not used.
 */
public final class ConfigServiceChannel {
  private static final String VARIABLE = "CONFIG_SERVICE_ADDR";
  private static final String DEFAULT_ADDRESS = "localhost:9080";
  private static final int UNARY_SECONDS = 10;
  private static final int MAX_MESSAGE = 8 << 20; // The server's stay below 4 MiB.

  private ConfigServiceChannel() {}

  /**
   * Opens a channel to the sidecar beside this program: at the address in the environment variable
   * {@code CONFIG_SERVICE_ADDR}, else at {@code localhost:9080}.
   *
   * @return a new channel, in plaintext
   * @throws IllegalArgumentException when the variable holds what can never be an address
   */
  public static ManagedChannel open() {
    return open(null);
  }

  /**
   * Opens a channel to a sidecar.
   *
   * @param address {@code host:port}, {@code [IPv6]:port} or {@code unix:/path}; null or empty counts
   *     as not given
   * @return a new channel, in plaintext
   * @throws IllegalArgumentException when the address can never work
   */
  public static ManagedChannel open(String address) {
    return builder(address, InsecureChannelCredentials.create()).build();
  }

  /**
   * Begins a channel with these defaults, to be changed and built: for TLS, interceptors or an executor.
   *
   * @param address as for {@link #open(String)}
   * @param credentials how the channel is secured
   * @return a new builder
   * @throws IllegalArgumentException when the address can never work
   */
  public static ManagedChannelBuilder<?> builder(String address, ChannelCredentials credentials) {
    return Grpc.newChannelBuilder(target(address, System.getenv(VARIABLE)), credentials)
        .keepAliveTime(20, TimeUnit.SECONDS) // The server refuses more than one ping in 10 s.
        .keepAliveTimeout(10, TimeUnit.SECONDS)
        .keepAliveWithoutCalls(true)
        .maxInboundMessageSize(MAX_MESSAGE)
        .proxyDetector(unused -> null)
        .intercept(new UnaryDeadline());
  }

  /** The target of gRPC for the argument, else for the environment's, else for the default. */
  static String target(String argument, String environment) {
    if (argument != null && !argument.isEmpty()) {
      return Address.target("address", argument);
    }
    if (environment != null && !environment.isEmpty()) {
      return Address.target(VARIABLE, environment);
    }
    return Address.target("default", DEFAULT_ADDRESS);
  }

  private static final class UnaryDeadline implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      boolean unlimited = method.getType() == MethodDescriptor.MethodType.UNARY && options.getDeadline() == null;
      return next.newCall(method, unlimited ? options.withDeadlineAfter(UNARY_SECONDS, TimeUnit.SECONDS) : options);
    }
  }
}
