package io.github.configservice.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * ConfigService answers the effective configuration of one scope. All methods read
 * memory: a call costs the store nothing, and works while the store is away.
 * A request names its scope by `namespace` and `environment`. Absent means the
 * caller's own: that of its identity, else the one the sidecar was started for
 * (`SERVICE_NAME`, `ENVIRONMENT`). A caller that may not read the scope gets
 * PERMISSION_DENIED, the same answer whether the scope exists or not.
 * Until the first configuration is loaded every method answers NOT_READY: an empty
 * answer means an empty configuration, never a missing one.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ConfigServiceGrpc {

  private ConfigServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "configservice.v1.ConfigService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.configservice.v1.GetRequest,
      io.github.configservice.v1.GetResponse> getGetMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Get",
      requestType = io.github.configservice.v1.GetRequest.class,
      responseType = io.github.configservice.v1.GetResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.v1.GetRequest,
      io.github.configservice.v1.GetResponse> getGetMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.v1.GetRequest, io.github.configservice.v1.GetResponse> getGetMethod;
    if ((getGetMethod = ConfigServiceGrpc.getGetMethod) == null) {
      synchronized (ConfigServiceGrpc.class) {
        if ((getGetMethod = ConfigServiceGrpc.getGetMethod) == null) {
          ConfigServiceGrpc.getGetMethod = getGetMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.v1.GetRequest, io.github.configservice.v1.GetResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Get"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.GetRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.GetResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigServiceMethodDescriptorSupplier("Get"))
              .build();
        }
      }
    }
    return getGetMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.v1.ListRequest,
      io.github.configservice.v1.ListResponse> getListMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "List",
      requestType = io.github.configservice.v1.ListRequest.class,
      responseType = io.github.configservice.v1.ListResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.v1.ListRequest,
      io.github.configservice.v1.ListResponse> getListMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.v1.ListRequest, io.github.configservice.v1.ListResponse> getListMethod;
    if ((getListMethod = ConfigServiceGrpc.getListMethod) == null) {
      synchronized (ConfigServiceGrpc.class) {
        if ((getListMethod = ConfigServiceGrpc.getListMethod) == null) {
          ConfigServiceGrpc.getListMethod = getListMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.v1.ListRequest, io.github.configservice.v1.ListResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "List"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.ListRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.ListResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigServiceMethodDescriptorSupplier("List"))
              .build();
        }
      }
    }
    return getListMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.v1.WatchRequest,
      io.github.configservice.v1.WatchResponse> getWatchMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Watch",
      requestType = io.github.configservice.v1.WatchRequest.class,
      responseType = io.github.configservice.v1.WatchResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.configservice.v1.WatchRequest,
      io.github.configservice.v1.WatchResponse> getWatchMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.v1.WatchRequest, io.github.configservice.v1.WatchResponse> getWatchMethod;
    if ((getWatchMethod = ConfigServiceGrpc.getWatchMethod) == null) {
      synchronized (ConfigServiceGrpc.class) {
        if ((getWatchMethod = ConfigServiceGrpc.getWatchMethod) == null) {
          ConfigServiceGrpc.getWatchMethod = getWatchMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.v1.WatchRequest, io.github.configservice.v1.WatchResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Watch"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.WatchRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.WatchResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigServiceMethodDescriptorSupplier("Watch"))
              .build();
        }
      }
    }
    return getWatchMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.v1.ExplainRequest,
      io.github.configservice.v1.ExplainResponse> getExplainMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Explain",
      requestType = io.github.configservice.v1.ExplainRequest.class,
      responseType = io.github.configservice.v1.ExplainResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.v1.ExplainRequest,
      io.github.configservice.v1.ExplainResponse> getExplainMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.v1.ExplainRequest, io.github.configservice.v1.ExplainResponse> getExplainMethod;
    if ((getExplainMethod = ConfigServiceGrpc.getExplainMethod) == null) {
      synchronized (ConfigServiceGrpc.class) {
        if ((getExplainMethod = ConfigServiceGrpc.getExplainMethod) == null) {
          ConfigServiceGrpc.getExplainMethod = getExplainMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.v1.ExplainRequest, io.github.configservice.v1.ExplainResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Explain"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.ExplainRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.ExplainResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigServiceMethodDescriptorSupplier("Explain"))
              .build();
        }
      }
    }
    return getExplainMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.v1.GetStatusRequest,
      io.github.configservice.v1.GetStatusResponse> getGetStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetStatus",
      requestType = io.github.configservice.v1.GetStatusRequest.class,
      responseType = io.github.configservice.v1.GetStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.v1.GetStatusRequest,
      io.github.configservice.v1.GetStatusResponse> getGetStatusMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.v1.GetStatusRequest, io.github.configservice.v1.GetStatusResponse> getGetStatusMethod;
    if ((getGetStatusMethod = ConfigServiceGrpc.getGetStatusMethod) == null) {
      synchronized (ConfigServiceGrpc.class) {
        if ((getGetStatusMethod = ConfigServiceGrpc.getGetStatusMethod) == null) {
          ConfigServiceGrpc.getGetStatusMethod = getGetStatusMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.v1.GetStatusRequest, io.github.configservice.v1.GetStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetStatus"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.GetStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.v1.GetStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigServiceMethodDescriptorSupplier("GetStatus"))
              .build();
        }
      }
    }
    return getGetStatusMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ConfigServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConfigServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConfigServiceStub>() {
        @java.lang.Override
        public ConfigServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConfigServiceStub(channel, callOptions);
        }
      };
    return ConfigServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ConfigServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConfigServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConfigServiceBlockingV2Stub>() {
        @java.lang.Override
        public ConfigServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConfigServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ConfigServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ConfigServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConfigServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConfigServiceBlockingStub>() {
        @java.lang.Override
        public ConfigServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConfigServiceBlockingStub(channel, callOptions);
        }
      };
    return ConfigServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ConfigServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConfigServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConfigServiceFutureStub>() {
        @java.lang.Override
        public ConfigServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConfigServiceFutureStub(channel, callOptions);
        }
      };
    return ConfigServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * ConfigService answers the effective configuration of one scope. All methods read
   * memory: a call costs the store nothing, and works while the store is away.
   * A request names its scope by `namespace` and `environment`. Absent means the
   * caller's own: that of its identity, else the one the sidecar was started for
   * (`SERVICE_NAME`, `ENVIRONMENT`). A caller that may not read the scope gets
   * PERMISSION_DENIED, the same answer whether the scope exists or not.
   * Until the first configuration is loaded every method answers NOT_READY: an empty
   * answer means an empty configuration, never a missing one.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Get answers one effective entry. REST: `GET /v1/config/{key}`.
     * Errors: KEY_NOT_FOUND (no layer has the key; keys of similar spelling are in
     * the message and in ErrorInfo.metadata), VALUE_INVALID, INVALID_ARGUMENT,
     * UNAUTHENTICATED, PERMISSION_DENIED (also: the key is masked for the caller; see
     * Entry.masked), NOT_READY.
     * </pre>
     */
    default void get(io.github.configservice.v1.GetRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.GetResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetMethod(), responseObserver);
    }

    /**
     * <pre>
     * List answers all effective entries, or a selection of them, as of one
     * revision. REST: `GET /v1/config`. It never fails because of one key: a key
     * whose stored value is unusable is named in `invalid_keys`. As `text/plain` the
     * answer has neither these nor what is masked.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the selection does not fit one message; ask for less).
     * </pre>
     */
    default void list(io.github.configservice.v1.ListRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.ListResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListMethod(), responseObserver);
    }

    /**
     * <pre>
     * Watch streams the state of a selection: first what it is, then every change.
     * REST: `GET /v1/watch`, as NDJSON or, with `Accept: text/event-stream`, SSE.
     * Watch tells state, not history. Of two changes in quick succession a reader
     * may see only the second, as one step; it never misses where things ended up.
     * A slow reader is coalesced to the latest state. It is not buffered without
     * bound, and not cut for being slow.
     * The first message is a Snapshot; or a Checkpoint, when `resume` is a point of
     * this epoch and nothing selected has changed since. Deltas follow, and a
     * Checkpoint whenever the stream was idle for `checkpoint_interval`, and at once
     * when State.freshness changes. A Snapshot later in the stream replaces all that
     * was said before; it comes when the epoch changes, and in place of a Delta that
     * does not fit one message.
     * Guarantees:
     *   - Ordered: State.revision never goes back within an epoch.
     *   - Atomic: each Snapshot and Delta is one step to the complete state at
     *     State.revision. All changes of one store transaction, over all layers,
     *     arrive in one message.
     *   - No gap: a Delta starts where the message before it ended
     *     (Delta.from_revision).
     *   - No duplicate: a Delta holds only what differs from the state before it.
     *   - No accidental empty: a key is removed only when the store proved that it
     *     is gone, never because the store could not be reached.
     *   - Honest: a stream whose store is lost says so, by a Checkpoint whose
     *     State.freshness is STALE.
     * How a stream ends, and what to do:
     *   - UNAVAILABLE (NOT_READY): the sidecar is starting or stopping, or `resume`
     *     is ahead of it. Keep the values, come back with `resume` after the
     *     RetryInfo delay.
     *   - RESOURCE_EXHAUSTED (TOO_LARGE): the selection outgrew one message; select
     *     less. (TOO_MANY_STREAMS): close streams, use another connection, or come back
     *     after the RetryInfo delay.
     *   - INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED: the request will not
     *     succeed unchanged.
     *   - Anything else, an end without status included: the connection broke. Keep
     *     the values, come back with `resume`.
     * </pre>
     */
    default void watch(io.github.configservice.v1.WatchRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.WatchResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchMethod(), responseObserver);
    }

    /**
     * <pre>
     * Explain answers where the value of a key comes from: the candidate of every
     * layer, which one wins, and what hides the others. REST:
     * `GET /v1/explain/{key}`. A key that no layer has is not an error here: that
     * all four candidates are ABSENT is the explanation.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the candidates do not fit one message; use Get).
     * </pre>
     */
    default void explain(io.github.configservice.v1.ExplainRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.ExplainResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getExplainMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetStatus answers how the server and the configuration are: its version and role,
     * whether there is a configuration and how fresh it is, and which keys the service's
     * schema requires and nobody has set. It answers before anything is loaded, too. REST:
     * `GET /v1/status`.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED.
     * </pre>
     */
    default void getStatus(io.github.configservice.v1.GetStatusRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.GetStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetStatusMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ConfigService.
   * <pre>
   * ConfigService answers the effective configuration of one scope. All methods read
   * memory: a call costs the store nothing, and works while the store is away.
   * A request names its scope by `namespace` and `environment`. Absent means the
   * caller's own: that of its identity, else the one the sidecar was started for
   * (`SERVICE_NAME`, `ENVIRONMENT`). A caller that may not read the scope gets
   * PERMISSION_DENIED, the same answer whether the scope exists or not.
   * Until the first configuration is loaded every method answers NOT_READY: an empty
   * answer means an empty configuration, never a missing one.
   * </pre>
   */
  public static abstract class ConfigServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ConfigServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ConfigService.
   * <pre>
   * ConfigService answers the effective configuration of one scope. All methods read
   * memory: a call costs the store nothing, and works while the store is away.
   * A request names its scope by `namespace` and `environment`. Absent means the
   * caller's own: that of its identity, else the one the sidecar was started for
   * (`SERVICE_NAME`, `ENVIRONMENT`). A caller that may not read the scope gets
   * PERMISSION_DENIED, the same answer whether the scope exists or not.
   * Until the first configuration is loaded every method answers NOT_READY: an empty
   * answer means an empty configuration, never a missing one.
   * </pre>
   */
  public static final class ConfigServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ConfigServiceStub> {
    private ConfigServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConfigServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConfigServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Get answers one effective entry. REST: `GET /v1/config/{key}`.
     * Errors: KEY_NOT_FOUND (no layer has the key; keys of similar spelling are in
     * the message and in ErrorInfo.metadata), VALUE_INVALID, INVALID_ARGUMENT,
     * UNAUTHENTICATED, PERMISSION_DENIED (also: the key is masked for the caller; see
     * Entry.masked), NOT_READY.
     * </pre>
     */
    public void get(io.github.configservice.v1.GetRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.GetResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * List answers all effective entries, or a selection of them, as of one
     * revision. REST: `GET /v1/config`. It never fails because of one key: a key
     * whose stored value is unusable is named in `invalid_keys`. As `text/plain` the
     * answer has neither these nor what is masked.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the selection does not fit one message; ask for less).
     * </pre>
     */
    public void list(io.github.configservice.v1.ListRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.ListResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Watch streams the state of a selection: first what it is, then every change.
     * REST: `GET /v1/watch`, as NDJSON or, with `Accept: text/event-stream`, SSE.
     * Watch tells state, not history. Of two changes in quick succession a reader
     * may see only the second, as one step; it never misses where things ended up.
     * A slow reader is coalesced to the latest state. It is not buffered without
     * bound, and not cut for being slow.
     * The first message is a Snapshot; or a Checkpoint, when `resume` is a point of
     * this epoch and nothing selected has changed since. Deltas follow, and a
     * Checkpoint whenever the stream was idle for `checkpoint_interval`, and at once
     * when State.freshness changes. A Snapshot later in the stream replaces all that
     * was said before; it comes when the epoch changes, and in place of a Delta that
     * does not fit one message.
     * Guarantees:
     *   - Ordered: State.revision never goes back within an epoch.
     *   - Atomic: each Snapshot and Delta is one step to the complete state at
     *     State.revision. All changes of one store transaction, over all layers,
     *     arrive in one message.
     *   - No gap: a Delta starts where the message before it ended
     *     (Delta.from_revision).
     *   - No duplicate: a Delta holds only what differs from the state before it.
     *   - No accidental empty: a key is removed only when the store proved that it
     *     is gone, never because the store could not be reached.
     *   - Honest: a stream whose store is lost says so, by a Checkpoint whose
     *     State.freshness is STALE.
     * How a stream ends, and what to do:
     *   - UNAVAILABLE (NOT_READY): the sidecar is starting or stopping, or `resume`
     *     is ahead of it. Keep the values, come back with `resume` after the
     *     RetryInfo delay.
     *   - RESOURCE_EXHAUSTED (TOO_LARGE): the selection outgrew one message; select
     *     less. (TOO_MANY_STREAMS): close streams, use another connection, or come back
     *     after the RetryInfo delay.
     *   - INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED: the request will not
     *     succeed unchanged.
     *   - Anything else, an end without status included: the connection broke. Keep
     *     the values, come back with `resume`.
     * </pre>
     */
    public void watch(io.github.configservice.v1.WatchRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.WatchResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Explain answers where the value of a key comes from: the candidate of every
     * layer, which one wins, and what hides the others. REST:
     * `GET /v1/explain/{key}`. A key that no layer has is not an error here: that
     * all four candidates are ABSENT is the explanation.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the candidates do not fit one message; use Get).
     * </pre>
     */
    public void explain(io.github.configservice.v1.ExplainRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.ExplainResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getExplainMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetStatus answers how the server and the configuration are: its version and role,
     * whether there is a configuration and how fresh it is, and which keys the service's
     * schema requires and nobody has set. It answers before anything is loaded, too. REST:
     * `GET /v1/status`.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED.
     * </pre>
     */
    public void getStatus(io.github.configservice.v1.GetStatusRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.v1.GetStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetStatusMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ConfigService.
   * <pre>
   * ConfigService answers the effective configuration of one scope. All methods read
   * memory: a call costs the store nothing, and works while the store is away.
   * A request names its scope by `namespace` and `environment`. Absent means the
   * caller's own: that of its identity, else the one the sidecar was started for
   * (`SERVICE_NAME`, `ENVIRONMENT`). A caller that may not read the scope gets
   * PERMISSION_DENIED, the same answer whether the scope exists or not.
   * Until the first configuration is loaded every method answers NOT_READY: an empty
   * answer means an empty configuration, never a missing one.
   * </pre>
   */
  public static final class ConfigServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ConfigServiceBlockingV2Stub> {
    private ConfigServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConfigServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConfigServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Get answers one effective entry. REST: `GET /v1/config/{key}`.
     * Errors: KEY_NOT_FOUND (no layer has the key; keys of similar spelling are in
     * the message and in ErrorInfo.metadata), VALUE_INVALID, INVALID_ARGUMENT,
     * UNAUTHENTICATED, PERMISSION_DENIED (also: the key is masked for the caller; see
     * Entry.masked), NOT_READY.
     * </pre>
     */
    public io.github.configservice.v1.GetResponse get(io.github.configservice.v1.GetRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * List answers all effective entries, or a selection of them, as of one
     * revision. REST: `GET /v1/config`. It never fails because of one key: a key
     * whose stored value is unusable is named in `invalid_keys`. As `text/plain` the
     * answer has neither these nor what is masked.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the selection does not fit one message; ask for less).
     * </pre>
     */
    public io.github.configservice.v1.ListResponse list(io.github.configservice.v1.ListRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Watch streams the state of a selection: first what it is, then every change.
     * REST: `GET /v1/watch`, as NDJSON or, with `Accept: text/event-stream`, SSE.
     * Watch tells state, not history. Of two changes in quick succession a reader
     * may see only the second, as one step; it never misses where things ended up.
     * A slow reader is coalesced to the latest state. It is not buffered without
     * bound, and not cut for being slow.
     * The first message is a Snapshot; or a Checkpoint, when `resume` is a point of
     * this epoch and nothing selected has changed since. Deltas follow, and a
     * Checkpoint whenever the stream was idle for `checkpoint_interval`, and at once
     * when State.freshness changes. A Snapshot later in the stream replaces all that
     * was said before; it comes when the epoch changes, and in place of a Delta that
     * does not fit one message.
     * Guarantees:
     *   - Ordered: State.revision never goes back within an epoch.
     *   - Atomic: each Snapshot and Delta is one step to the complete state at
     *     State.revision. All changes of one store transaction, over all layers,
     *     arrive in one message.
     *   - No gap: a Delta starts where the message before it ended
     *     (Delta.from_revision).
     *   - No duplicate: a Delta holds only what differs from the state before it.
     *   - No accidental empty: a key is removed only when the store proved that it
     *     is gone, never because the store could not be reached.
     *   - Honest: a stream whose store is lost says so, by a Checkpoint whose
     *     State.freshness is STALE.
     * How a stream ends, and what to do:
     *   - UNAVAILABLE (NOT_READY): the sidecar is starting or stopping, or `resume`
     *     is ahead of it. Keep the values, come back with `resume` after the
     *     RetryInfo delay.
     *   - RESOURCE_EXHAUSTED (TOO_LARGE): the selection outgrew one message; select
     *     less. (TOO_MANY_STREAMS): close streams, use another connection, or come back
     *     after the RetryInfo delay.
     *   - INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED: the request will not
     *     succeed unchanged.
     *   - Anything else, an end without status included: the connection broke. Keep
     *     the values, come back with `resume`.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.configservice.v1.WatchResponse>
        watch(io.github.configservice.v1.WatchRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Explain answers where the value of a key comes from: the candidate of every
     * layer, which one wins, and what hides the others. REST:
     * `GET /v1/explain/{key}`. A key that no layer has is not an error here: that
     * all four candidates are ABSENT is the explanation.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the candidates do not fit one message; use Get).
     * </pre>
     */
    public io.github.configservice.v1.ExplainResponse explain(io.github.configservice.v1.ExplainRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getExplainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetStatus answers how the server and the configuration are: its version and role,
     * whether there is a configuration and how fresh it is, and which keys the service's
     * schema requires and nobody has set. It answers before anything is loaded, too. REST:
     * `GET /v1/status`.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED.
     * </pre>
     */
    public io.github.configservice.v1.GetStatusResponse getStatus(io.github.configservice.v1.GetStatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetStatusMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ConfigService.
   * <pre>
   * ConfigService answers the effective configuration of one scope. All methods read
   * memory: a call costs the store nothing, and works while the store is away.
   * A request names its scope by `namespace` and `environment`. Absent means the
   * caller's own: that of its identity, else the one the sidecar was started for
   * (`SERVICE_NAME`, `ENVIRONMENT`). A caller that may not read the scope gets
   * PERMISSION_DENIED, the same answer whether the scope exists or not.
   * Until the first configuration is loaded every method answers NOT_READY: an empty
   * answer means an empty configuration, never a missing one.
   * </pre>
   */
  public static final class ConfigServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ConfigServiceBlockingStub> {
    private ConfigServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConfigServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConfigServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Get answers one effective entry. REST: `GET /v1/config/{key}`.
     * Errors: KEY_NOT_FOUND (no layer has the key; keys of similar spelling are in
     * the message and in ErrorInfo.metadata), VALUE_INVALID, INVALID_ARGUMENT,
     * UNAUTHENTICATED, PERMISSION_DENIED (also: the key is masked for the caller; see
     * Entry.masked), NOT_READY.
     * </pre>
     */
    public io.github.configservice.v1.GetResponse get(io.github.configservice.v1.GetRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * List answers all effective entries, or a selection of them, as of one
     * revision. REST: `GET /v1/config`. It never fails because of one key: a key
     * whose stored value is unusable is named in `invalid_keys`. As `text/plain` the
     * answer has neither these nor what is masked.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the selection does not fit one message; ask for less).
     * </pre>
     */
    public io.github.configservice.v1.ListResponse list(io.github.configservice.v1.ListRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Watch streams the state of a selection: first what it is, then every change.
     * REST: `GET /v1/watch`, as NDJSON or, with `Accept: text/event-stream`, SSE.
     * Watch tells state, not history. Of two changes in quick succession a reader
     * may see only the second, as one step; it never misses where things ended up.
     * A slow reader is coalesced to the latest state. It is not buffered without
     * bound, and not cut for being slow.
     * The first message is a Snapshot; or a Checkpoint, when `resume` is a point of
     * this epoch and nothing selected has changed since. Deltas follow, and a
     * Checkpoint whenever the stream was idle for `checkpoint_interval`, and at once
     * when State.freshness changes. A Snapshot later in the stream replaces all that
     * was said before; it comes when the epoch changes, and in place of a Delta that
     * does not fit one message.
     * Guarantees:
     *   - Ordered: State.revision never goes back within an epoch.
     *   - Atomic: each Snapshot and Delta is one step to the complete state at
     *     State.revision. All changes of one store transaction, over all layers,
     *     arrive in one message.
     *   - No gap: a Delta starts where the message before it ended
     *     (Delta.from_revision).
     *   - No duplicate: a Delta holds only what differs from the state before it.
     *   - No accidental empty: a key is removed only when the store proved that it
     *     is gone, never because the store could not be reached.
     *   - Honest: a stream whose store is lost says so, by a Checkpoint whose
     *     State.freshness is STALE.
     * How a stream ends, and what to do:
     *   - UNAVAILABLE (NOT_READY): the sidecar is starting or stopping, or `resume`
     *     is ahead of it. Keep the values, come back with `resume` after the
     *     RetryInfo delay.
     *   - RESOURCE_EXHAUSTED (TOO_LARGE): the selection outgrew one message; select
     *     less. (TOO_MANY_STREAMS): close streams, use another connection, or come back
     *     after the RetryInfo delay.
     *   - INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED: the request will not
     *     succeed unchanged.
     *   - Anything else, an end without status included: the connection broke. Keep
     *     the values, come back with `resume`.
     * </pre>
     */
    public java.util.Iterator<io.github.configservice.v1.WatchResponse> watch(
        io.github.configservice.v1.WatchRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Explain answers where the value of a key comes from: the candidate of every
     * layer, which one wins, and what hides the others. REST:
     * `GET /v1/explain/{key}`. A key that no layer has is not an error here: that
     * all four candidates are ABSENT is the explanation.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the candidates do not fit one message; use Get).
     * </pre>
     */
    public io.github.configservice.v1.ExplainResponse explain(io.github.configservice.v1.ExplainRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getExplainMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetStatus answers how the server and the configuration are: its version and role,
     * whether there is a configuration and how fresh it is, and which keys the service's
     * schema requires and nobody has set. It answers before anything is loaded, too. REST:
     * `GET /v1/status`.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED.
     * </pre>
     */
    public io.github.configservice.v1.GetStatusResponse getStatus(io.github.configservice.v1.GetStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetStatusMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ConfigService.
   * <pre>
   * ConfigService answers the effective configuration of one scope. All methods read
   * memory: a call costs the store nothing, and works while the store is away.
   * A request names its scope by `namespace` and `environment`. Absent means the
   * caller's own: that of its identity, else the one the sidecar was started for
   * (`SERVICE_NAME`, `ENVIRONMENT`). A caller that may not read the scope gets
   * PERMISSION_DENIED, the same answer whether the scope exists or not.
   * Until the first configuration is loaded every method answers NOT_READY: an empty
   * answer means an empty configuration, never a missing one.
   * </pre>
   */
  public static final class ConfigServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ConfigServiceFutureStub> {
    private ConfigServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConfigServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConfigServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Get answers one effective entry. REST: `GET /v1/config/{key}`.
     * Errors: KEY_NOT_FOUND (no layer has the key; keys of similar spelling are in
     * the message and in ErrorInfo.metadata), VALUE_INVALID, INVALID_ARGUMENT,
     * UNAUTHENTICATED, PERMISSION_DENIED (also: the key is masked for the caller; see
     * Entry.masked), NOT_READY.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.v1.GetResponse> get(
        io.github.configservice.v1.GetRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * List answers all effective entries, or a selection of them, as of one
     * revision. REST: `GET /v1/config`. It never fails because of one key: a key
     * whose stored value is unusable is named in `invalid_keys`. As `text/plain` the
     * answer has neither these nor what is masked.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the selection does not fit one message; ask for less).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.v1.ListResponse> list(
        io.github.configservice.v1.ListRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Explain answers where the value of a key comes from: the candidate of every
     * layer, which one wins, and what hides the others. REST:
     * `GET /v1/explain/{key}`. A key that no layer has is not an error here: that
     * all four candidates are ABSENT is the explanation.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_READY,
     * TOO_LARGE (the candidates do not fit one message; use Get).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.v1.ExplainResponse> explain(
        io.github.configservice.v1.ExplainRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getExplainMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetStatus answers how the server and the configuration are: its version and role,
     * whether there is a configuration and how fresh it is, and which keys the service's
     * schema requires and nobody has set. It answers before anything is loaded, too. REST:
     * `GET /v1/status`.
     * Errors: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.v1.GetStatusResponse> getStatus(
        io.github.configservice.v1.GetStatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetStatusMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET = 0;
  private static final int METHODID_LIST = 1;
  private static final int METHODID_WATCH = 2;
  private static final int METHODID_EXPLAIN = 3;
  private static final int METHODID_GET_STATUS = 4;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_GET:
          serviceImpl.get((io.github.configservice.v1.GetRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.v1.GetResponse>) responseObserver);
          break;
        case METHODID_LIST:
          serviceImpl.list((io.github.configservice.v1.ListRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.v1.ListResponse>) responseObserver);
          break;
        case METHODID_WATCH:
          serviceImpl.watch((io.github.configservice.v1.WatchRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.v1.WatchResponse>) responseObserver);
          break;
        case METHODID_EXPLAIN:
          serviceImpl.explain((io.github.configservice.v1.ExplainRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.v1.ExplainResponse>) responseObserver);
          break;
        case METHODID_GET_STATUS:
          serviceImpl.getStatus((io.github.configservice.v1.GetStatusRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.v1.GetStatusResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getGetMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.v1.GetRequest,
              io.github.configservice.v1.GetResponse>(
                service, METHODID_GET)))
        .addMethod(
          getListMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.v1.ListRequest,
              io.github.configservice.v1.ListResponse>(
                service, METHODID_LIST)))
        .addMethod(
          getWatchMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.configservice.v1.WatchRequest,
              io.github.configservice.v1.WatchResponse>(
                service, METHODID_WATCH)))
        .addMethod(
          getExplainMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.v1.ExplainRequest,
              io.github.configservice.v1.ExplainResponse>(
                service, METHODID_EXPLAIN)))
        .addMethod(
          getGetStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.v1.GetStatusRequest,
              io.github.configservice.v1.GetStatusResponse>(
                service, METHODID_GET_STATUS)))
        .build();
  }

  private static abstract class ConfigServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ConfigServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.configservice.v1.ConfigServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ConfigService");
    }
  }

  private static final class ConfigServiceFileDescriptorSupplier
      extends ConfigServiceBaseDescriptorSupplier {
    ConfigServiceFileDescriptorSupplier() {}
  }

  private static final class ConfigServiceMethodDescriptorSupplier
      extends ConfigServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ConfigServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (ConfigServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ConfigServiceFileDescriptorSupplier())
              .addMethod(getGetMethod())
              .addMethod(getListMethod())
              .addMethod(getWatchMethod())
              .addMethod(getExplainMethod())
              .addMethod(getGetStatusMethod())
              .build();
        }
      }
    }
    return result;
  }
}
