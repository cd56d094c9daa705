package io.github.configservice.client;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The grammar of an address. */
final class Address {
  private static final Pattern TCP = Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[\\w.-]+):(\\d{1,5})");
  private static final Pattern SOCKET = Pattern.compile("unix:/[^\\x00]+");

  private Address() {}

  /** Returns gRPC's target for an address that was given as {@code name}. */
  static String target(String name, String given) {
    if (SOCKET.matcher(given).matches()) {
      return given;
    }
    Matcher tcp = TCP.matcher(given);
    if (tcp.matches() && isHost(tcp.group(1)) && isPort(Integer.parseInt(tcp.group(2)))) {
      return "dns:///" + given;
    }
    // What stands before an @ may be a credential.
    String shown = given.contains("@") ? "a value with an @" : '"' + given + '"';
    throw new IllegalArgumentException(
        name + ": " + shown + " is not usable; accepted: host:port, [IPv6]:port or unix:/path");
  }

  private static boolean isHost(String host) {
    return !host.startsWith("[") || isIPv6(host);
  }

  private static boolean isIPv6(String bracketed) {
    try {
      return new java.net.URI("http://" + bracketed).getHost() != null;
    } catch (java.net.URISyntaxException e) {
      return false;
    }
  }

  private static boolean isPort(int port) {
    return port >= 1 && port <= 65535;
  }
}
