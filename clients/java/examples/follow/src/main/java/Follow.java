import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParser;
import io.github.configservice.client.ConfigServiceChannel;
import io.github.configservice.client.ErrorReasons;
import io.github.configservice.client.PlainValue;
import io.github.configservice.v1.ConfigServiceGrpc;
import io.github.configservice.v1.Entry;
import io.github.configservice.v1.ErrorReason;
import io.github.configservice.v1.GetRequest;
import io.github.configservice.v1.ResumePoint;
import io.github.configservice.v1.WatchRequest;
import io.github.configservice.v1.WatchResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Reads one key, falls back to a default, and follows the key for as long as it runs.
 *
 * <pre>java -jar target/follow.jar [KEY [DEFAULT]]   DEFAULT is JSON; without them: database.pool_size 10</pre>
 *
 * CONFIG_SERVICE_ADDR says where the sidecar is. Prints one JSON object per line:
 *
 * <pre>
 * {"get":{"key":"database.pool_size","value":20,"layer":"SERVICE_ENVIRONMENT","freshness":"FRESH"}}
 * {"default":10,"reason":"KEY_NOT_FOUND"}   there is no such key, or nobody to ask
 * {"connected":"snapshot"}                  a stream began, with this message
 * {"value":25}                              the key changed
 * {"lost":"UNAVAILABLE"}                    the stream broke; the value stays
 * </pre>
 */
public final class Follow {
  private static final long FIRST_DELAY_MS = 100;
  private static final long LONGEST_DELAY_MS = 5_000;
  /** Trying again makes no sense after these. */
  private static final Set<ErrorReason> REFUSALS =
      EnumSet.of(ErrorReason.INVALID_ARGUMENT, ErrorReason.UNAUTHENTICATED, ErrorReason.PERMISSION_DENIED);
  private static final Gson JSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private final ManagedChannel channel;
  private final ConfigServiceGrpc.ConfigServiceBlockingStub service;
  private final String key;
  private final Object defaultValue;
  /** The line that tells what the program works with now. */
  private String told = "";
  private ResumePoint resume;

  private Follow(ManagedChannel channel, String key, String defaultJson) {
    this.channel = channel;
    this.service = ConfigServiceGrpc.newBlockingStub(channel);
    this.key = key;
    this.defaultValue = JsonParser.parseString(defaultJson);
  }

  public static void main(String[] args) throws InterruptedException {
    var channel = ConfigServiceChannel.open();
    var program = new Follow(channel, args.length > 0 ? args[0] : "database.pool_size", args.length > 1 ? args[1] : "10");
    // Ctrl-C and SIGTERM end the stream and then the loop. (The exit code is the JVM's: 128 and the signal.)
    Runtime.getRuntime().addShutdownHook(new Thread(channel::shutdownNow));
    try {
      program.read();
      program.follow();
    } catch (StatusRuntimeException error) {
      if (!channel.isShutdown()) {
        System.err.println(reason(error) + ": " + error.getStatus().getDescription());
        System.exit(1);
      }
    }
  }

  private void read() {
    try {
      var answer = service.get(GetRequest.newBuilder().setKey(key).build());
      var entry = answer.getEntry();
      var value = PlainValue.of(entry);
      // STALE: the store has not confirmed this value lately.
      var freshness = answer.getState().getFreshness();
      emit(line("get", line("key", entry.getKey(), "value", value, "layer", entry.getLayer(), "freshness", freshness)));
      told = JSON.toJson(line("value", value));
    } catch (StatusRuntimeException error) {
      if (isFinal(error)) {
        throw error;
      }
      useDefault(reason(error));
    }
  }

  /** Follows the key over any number of streams, until the program is stopped. */
  private void follow() throws InterruptedException {
    for (long delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 2, LONGEST_DELAY_MS)) {
      boolean connected = false;
      try {
        // Our delay counts, not that of the channel, which grows to two minutes.
        channel.resetConnectBackoff();
        for (var stream = service.watch(request()); stream.hasNext(); connected = true) {
          var message = stream.next();
          if (!connected) {
            emit(line("connected", message.getEventCase().name().toLowerCase()));
          }
          apply(message);
          var state = message.getState();
          resume = ResumePoint.newBuilder().setEpoch(state.getEpoch()).setRevision(state.getRevision()).build();
        }
        throw Status.UNAVAILABLE.withDescription("the stream ended").asRuntimeException();
      } catch (StatusRuntimeException error) {
        if (isFinal(error)) {
          throw error;
        }
        if (connected) {
          emit(line("lost", reason(error)));
          delay = FIRST_DELAY_MS;
        }
      }
      // Half of it by chance: a thousand programs must not come back in the same moment.
      Thread.sleep(delay / 2 + ThreadLocalRandom.current().nextLong(delay / 2));
    }
  }

  /**
   * Coming back with {@code resume}, the first message says what happened meanwhile: a Checkpoint
   * nothing, a Snapshot possibly everything.
   */
  private WatchRequest request() {
    var request = WatchRequest.newBuilder().addKeys(key);
    return resume == null ? request.build() : request.setResume(resume).build();
  }

  private void apply(WatchResponse message) {
    if (message.hasSnapshot()) { // Everything there is.
      var snapshot = message.getSnapshot();
      apply(snapshot.getEntriesList(), snapshot.getInvalidKeysList(), true);
    } else if (message.hasDelta()) { // What differs.
      var delta = message.getDelta();
      apply(delta.getEntriesList(), delta.getInvalidKeysList(), delta.getDeletedKeysList().contains(key));
    }
  }

  private void apply(List<Entry> entries, List<String> invalid, boolean gone) {
    var entry = entries.stream().filter(candidate -> candidate.getKey().equals(key)).findFirst();
    if (entry.isPresent() && entry.get().getMasked()) { // There is a value, and it is not for who asks.
      useDefault("PERMISSION_DENIED");
    } else if (entry.isPresent()) {
      use(line("value", PlainValue.of(entry.get())));
    } else if (gone && !invalid.contains(key)) { // With an unusable value the key keeps the one it has.
      useDefault("KEY_NOT_FOUND");
    }
  }

  private void useDefault(String reason) {
    use(line("default", defaultValue, "reason", reason));
  }

  /** Works with another value from now on: here, prints it when it is news. */
  private void use(Map<String, Object> line) {
    if (!JSON.toJson(line).equals(told)) {
      emit(line);
      told = JSON.toJson(line);
    }
  }

  private boolean isFinal(StatusRuntimeException error) {
    return channel.isShutdown() || ErrorReasons.of(error).filter(REFUSALS::contains).isPresent();
  }

  /** The reason that the service gave. Without one the connection failed. */
  private static String reason(StatusRuntimeException error) {
    return ErrorReasons.of(error).map(Enum::name).orElse("UNAVAILABLE");
  }

  private static Map<String, Object> line(Object... namesAndValues) {
    Map<String, Object> line = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      line.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return line;
  }

  private static void emit(Map<String, Object> line) {
    OUT.println(JSON.toJson(line));
  }
}
