import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Value;
import com.google.rpc.ErrorInfo;
import io.github.configservice.v1.*;
import io.github.configservice.v1.ConfigServiceGrpc.ConfigServiceBlockingStub;
import io.grpc.*;
import io.grpc.protobuf.StatusProto;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.TimeUnit;

/**
 * Reads one key and waits for its first change, with the generated stub alone.
 *
 * <pre>java -jar target/stub-example.jar [ADDRESS [KEY]]   default: localhost:9080 database.pool_size</pre>
 *
 * Prints one JSON object per line. See clients/README.md for setting it up.
 */
public final class StubExample {
  private static final Gson JSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final PrintStream ERR = new PrintStream(System.err, true, StandardCharsets.UTF_8);

  private record Answer(String key, Object value, Layer layer, State.Freshness freshness) {}
  private record Change(Map<String, Object> delta, List<String> deleted) {}

  public static void main(String[] args) throws InvalidProtocolBufferException {
    String address = args.length > 0 ? args[0] : "localhost:9080";
    String key = args.length > 1 ? args[1] : "database.pool_size";
    var channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
    try {
      var stub = ConfigServiceGrpc.newBlockingStub(channel);
      get(stub, key);
      watch(stub, key);
    } catch (StatusRuntimeException error) {
      ERR.println(reason(error) + ": " + error.getStatus().getDescription());
      System.exit(1);
    } finally {
      channel.shutdownNow(); // Cancels the stream, too.
    }
  }

  private static void get(ConfigServiceBlockingStub stub, String key) {
    // Always set a deadline. Namespace and environment are left out: the sidecar answers
    // for the service it was started for.
    var request = GetRequest.newBuilder().setKey(key).build();
    var answer = stub.withDeadlineAfter(30, TimeUnit.SECONDS).get(request);
    var entry = answer.getEntry();
    // STALE: the store has not confirmed this value lately.
    var freshness = answer.getState().getFreshness();
    emit(Map.of("get", new Answer(entry.getKey(), plain(entry.getValue()), entry.getLayer(), freshness)));
  }

  /** Prints each step of the stream, up to the first delta. */
  private static void watch(ConfigServiceBlockingStub stub, String key) {
    // No deadline: the stream is meant to stay open. Checkpoints show that it is alive.
    // A real client keeps epoch and revision of the last message's state, and comes back
    // with them in WatchRequest.resume when the stream breaks.
    var interval = Duration.newBuilder().setSeconds(1);
    var request = WatchRequest.newBuilder().addKeys(key).setCheckpointInterval(interval).build();
    var stream = stub.watch(request);
    while (stream.hasNext()) {
      var message = stream.next();
      if (message.hasSnapshot()) { // Replaces everything known so far.
        emit(Map.of("snapshot", values(message.getSnapshot().getEntriesList())));
      } else if (message.hasDelta()) { // One atomic step: apply all of it.
        var delta = message.getDelta();
        emit(new Change(values(delta.getEntriesList()), delta.getDeletedKeysList()));
        return;
      } else if (message.hasCheckpoint()) { // No change; message.getState() is the news.
        emit(Map.of("checkpoint", true));
      }
    }
    throw Status.UNAVAILABLE.withDescription("the stream ended").asRuntimeException();
  }

  private static Map<String, Object> values(List<Entry> entries) {
    Map<String, Object> values = new LinkedHashMap<>();
    entries.forEach(entry -> values.put(entry.getKey(), plain(entry.getValue())));
    return values;
  }

  /** The value as Java knows it: null, Boolean, Long, Double, String, List or Map. */
  private static Object plain(Value value) {
    return switch (value.getKindCase()) {
      case BOOL_VALUE -> value.getBoolValue();
      case STRING_VALUE -> value.getStringValue();
      case NUMBER_VALUE -> { // Always a double; a whole one is a Long here.
        double number = value.getNumberValue();
        yield number == (long) number ? (Object) (long) number : (Object) number;
      }
      case LIST_VALUE -> value.getListValue().getValuesList().stream().map(StubExample::plain).toList();
      case STRUCT_VALUE -> {
        Map<String, Object> object = new LinkedHashMap<>();
        value.getStructValue().getFieldsMap().forEach((name, field) -> object.put(name, plain(field)));
        yield object;
      }
      case NULL_VALUE, KIND_NOT_SET -> null; // Null is a value like any other.
    };
  }

  /** The ErrorInfo reason; the code when the error did not come from the server. */
  private static String reason(StatusRuntimeException error) throws InvalidProtocolBufferException {
    for (var detail : StatusProto.fromThrowable(error).getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        return detail.unpack(ErrorInfo.class).getReason();
      }
    }
    return error.getStatus().getCode().name();
  }

  private static void emit(Object line) {
    OUT.println(JSON.toJson(line));
  }
}
