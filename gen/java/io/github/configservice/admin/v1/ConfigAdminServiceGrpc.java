package io.github.configservice.admin.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * ConfigAdminService registers services and looks after their credentials.
 * Errors of every method: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED (the same
 * whether the service exists or not), STORE_UNAVAILABLE (nothing was done, or it is not
 * known whether it was: ask ListServices), STORE_UNSUITABLE (the store has no
 * authentication turned on, or is a release whose isolation has known holes).
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ConfigAdminServiceGrpc {

  private ConfigAdminServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "configservice.admin.v1.ConfigAdminService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RegisterServiceRequest,
      io.github.configservice.admin.v1.RegisterServiceResponse> getRegisterServiceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RegisterService",
      requestType = io.github.configservice.admin.v1.RegisterServiceRequest.class,
      responseType = io.github.configservice.admin.v1.RegisterServiceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RegisterServiceRequest,
      io.github.configservice.admin.v1.RegisterServiceResponse> getRegisterServiceMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RegisterServiceRequest, io.github.configservice.admin.v1.RegisterServiceResponse> getRegisterServiceMethod;
    if ((getRegisterServiceMethod = ConfigAdminServiceGrpc.getRegisterServiceMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getRegisterServiceMethod = ConfigAdminServiceGrpc.getRegisterServiceMethod) == null) {
          ConfigAdminServiceGrpc.getRegisterServiceMethod = getRegisterServiceMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.RegisterServiceRequest, io.github.configservice.admin.v1.RegisterServiceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RegisterService"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.RegisterServiceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.RegisterServiceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("RegisterService"))
              .build();
        }
      }
    }
    return getRegisterServiceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RotateTokenRequest,
      io.github.configservice.admin.v1.RotateTokenResponse> getRotateTokenMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RotateToken",
      requestType = io.github.configservice.admin.v1.RotateTokenRequest.class,
      responseType = io.github.configservice.admin.v1.RotateTokenResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RotateTokenRequest,
      io.github.configservice.admin.v1.RotateTokenResponse> getRotateTokenMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RotateTokenRequest, io.github.configservice.admin.v1.RotateTokenResponse> getRotateTokenMethod;
    if ((getRotateTokenMethod = ConfigAdminServiceGrpc.getRotateTokenMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getRotateTokenMethod = ConfigAdminServiceGrpc.getRotateTokenMethod) == null) {
          ConfigAdminServiceGrpc.getRotateTokenMethod = getRotateTokenMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.RotateTokenRequest, io.github.configservice.admin.v1.RotateTokenResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RotateToken"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.RotateTokenRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.RotateTokenResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("RotateToken"))
              .build();
        }
      }
    }
    return getRotateTokenMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RevokeServiceRequest,
      io.github.configservice.admin.v1.RevokeServiceResponse> getRevokeServiceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RevokeService",
      requestType = io.github.configservice.admin.v1.RevokeServiceRequest.class,
      responseType = io.github.configservice.admin.v1.RevokeServiceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RevokeServiceRequest,
      io.github.configservice.admin.v1.RevokeServiceResponse> getRevokeServiceMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RevokeServiceRequest, io.github.configservice.admin.v1.RevokeServiceResponse> getRevokeServiceMethod;
    if ((getRevokeServiceMethod = ConfigAdminServiceGrpc.getRevokeServiceMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getRevokeServiceMethod = ConfigAdminServiceGrpc.getRevokeServiceMethod) == null) {
          ConfigAdminServiceGrpc.getRevokeServiceMethod = getRevokeServiceMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.RevokeServiceRequest, io.github.configservice.admin.v1.RevokeServiceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RevokeService"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.RevokeServiceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.RevokeServiceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("RevokeService"))
              .build();
        }
      }
    }
    return getRevokeServiceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListServicesRequest,
      io.github.configservice.admin.v1.ListServicesResponse> getListServicesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListServices",
      requestType = io.github.configservice.admin.v1.ListServicesRequest.class,
      responseType = io.github.configservice.admin.v1.ListServicesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListServicesRequest,
      io.github.configservice.admin.v1.ListServicesResponse> getListServicesMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListServicesRequest, io.github.configservice.admin.v1.ListServicesResponse> getListServicesMethod;
    if ((getListServicesMethod = ConfigAdminServiceGrpc.getListServicesMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getListServicesMethod = ConfigAdminServiceGrpc.getListServicesMethod) == null) {
          ConfigAdminServiceGrpc.getListServicesMethod = getListServicesMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.ListServicesRequest, io.github.configservice.admin.v1.ListServicesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListServices"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.ListServicesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.ListServicesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("ListServices"))
              .build();
        }
      }
    }
    return getListServicesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DeleteServiceRequest,
      io.github.configservice.admin.v1.DeleteServiceResponse> getDeleteServiceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteService",
      requestType = io.github.configservice.admin.v1.DeleteServiceRequest.class,
      responseType = io.github.configservice.admin.v1.DeleteServiceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DeleteServiceRequest,
      io.github.configservice.admin.v1.DeleteServiceResponse> getDeleteServiceMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DeleteServiceRequest, io.github.configservice.admin.v1.DeleteServiceResponse> getDeleteServiceMethod;
    if ((getDeleteServiceMethod = ConfigAdminServiceGrpc.getDeleteServiceMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getDeleteServiceMethod = ConfigAdminServiceGrpc.getDeleteServiceMethod) == null) {
          ConfigAdminServiceGrpc.getDeleteServiceMethod = getDeleteServiceMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.DeleteServiceRequest, io.github.configservice.admin.v1.DeleteServiceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteService"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.DeleteServiceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.DeleteServiceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("DeleteService"))
              .build();
        }
      }
    }
    return getDeleteServiceMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ConfigAdminServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConfigAdminServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConfigAdminServiceStub>() {
        @java.lang.Override
        public ConfigAdminServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConfigAdminServiceStub(channel, callOptions);
        }
      };
    return ConfigAdminServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ConfigAdminServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConfigAdminServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConfigAdminServiceBlockingV2Stub>() {
        @java.lang.Override
        public ConfigAdminServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConfigAdminServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ConfigAdminServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ConfigAdminServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConfigAdminServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConfigAdminServiceBlockingStub>() {
        @java.lang.Override
        public ConfigAdminServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConfigAdminServiceBlockingStub(channel, callOptions);
        }
      };
    return ConfigAdminServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ConfigAdminServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ConfigAdminServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ConfigAdminServiceFutureStub>() {
        @java.lang.Override
        public ConfigAdminServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ConfigAdminServiceFutureStub(channel, callOptions);
        }
      };
    return ConfigAdminServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * ConfigAdminService registers services and looks after their credentials.
   * Errors of every method: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED (the same
   * whether the service exists or not), STORE_UNAVAILABLE (nothing was done, or it is not
   * known whether it was: ask ListServices), STORE_UNSUITABLE (the store has no
   * authentication turned on, or is a release whose isolation has known holes).
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * RegisterService makes a namespace in an environment a service with a first token.
     * Configuration may be there before, and stays. A service whose tokens were all
     * revoked or have expired can be registered again.
     * Errors: SERVICE_EXISTS (it has a token that is in use; RotateToken makes another).
     * </pre>
     */
    default void registerService(io.github.configservice.admin.v1.RegisterServiceRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RegisterServiceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRegisterServiceMethod(), responseObserver);
    }

    /**
     * <pre>
     * RotateToken makes a new token for a service, and lets those before it end after
     * `overlap`: long enough for every sidecar to take the new one up. A token that ends
     * sooner anyway keeps its time.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    default void rotateToken(io.github.configservice.admin.v1.RotateTokenRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RotateTokenResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRotateTokenMethod(), responseObserver);
    }

    /**
     * <pre>
     * RevokeService ends every token of a service at once. New reads and new logins are
     * refused; a sidecar that is connected notices within about 10 s, says STALE and keeps
     * what it has. The configuration stays. Without a token in use it does nothing.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    default void revokeService(io.github.configservice.admin.v1.RevokeServiceRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RevokeServiceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRevokeServiceMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListServices answers the registered services that the caller may administer, by
     * namespace and then environment.
     * </pre>
     */
    default void listServices(io.github.configservice.admin.v1.ListServicesRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListServicesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListServicesMethod(), responseObserver);
    }

    /**
     * <pre>
     * DeleteService removes a service: its tokens, its configuration and whatever else is
     * kept about it. With `all_environments` it does so in every environment, and removes
     * what the namespace has for all of them; the caller must then be allowed to
     * administer each. What was removed cannot be brought back.
     * Errors: SERVICE_NOT_FOUND (there is neither a token nor configuration).
     * </pre>
     */
    default void deleteService(io.github.configservice.admin.v1.DeleteServiceRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DeleteServiceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteServiceMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ConfigAdminService.
   * <pre>
   * ConfigAdminService registers services and looks after their credentials.
   * Errors of every method: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED (the same
   * whether the service exists or not), STORE_UNAVAILABLE (nothing was done, or it is not
   * known whether it was: ask ListServices), STORE_UNSUITABLE (the store has no
   * authentication turned on, or is a release whose isolation has known holes).
   * </pre>
   */
  public static abstract class ConfigAdminServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ConfigAdminServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ConfigAdminService.
   * <pre>
   * ConfigAdminService registers services and looks after their credentials.
   * Errors of every method: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED (the same
   * whether the service exists or not), STORE_UNAVAILABLE (nothing was done, or it is not
   * known whether it was: ask ListServices), STORE_UNSUITABLE (the store has no
   * authentication turned on, or is a release whose isolation has known holes).
   * </pre>
   */
  public static final class ConfigAdminServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ConfigAdminServiceStub> {
    private ConfigAdminServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConfigAdminServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConfigAdminServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * RegisterService makes a namespace in an environment a service with a first token.
     * Configuration may be there before, and stays. A service whose tokens were all
     * revoked or have expired can be registered again.
     * Errors: SERVICE_EXISTS (it has a token that is in use; RotateToken makes another).
     * </pre>
     */
    public void registerService(io.github.configservice.admin.v1.RegisterServiceRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RegisterServiceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRegisterServiceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * RotateToken makes a new token for a service, and lets those before it end after
     * `overlap`: long enough for every sidecar to take the new one up. A token that ends
     * sooner anyway keeps its time.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    public void rotateToken(io.github.configservice.admin.v1.RotateTokenRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RotateTokenResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRotateTokenMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * RevokeService ends every token of a service at once. New reads and new logins are
     * refused; a sidecar that is connected notices within about 10 s, says STALE and keeps
     * what it has. The configuration stays. Without a token in use it does nothing.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    public void revokeService(io.github.configservice.admin.v1.RevokeServiceRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RevokeServiceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRevokeServiceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListServices answers the registered services that the caller may administer, by
     * namespace and then environment.
     * </pre>
     */
    public void listServices(io.github.configservice.admin.v1.ListServicesRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListServicesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListServicesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * DeleteService removes a service: its tokens, its configuration and whatever else is
     * kept about it. With `all_environments` it does so in every environment, and removes
     * what the namespace has for all of them; the caller must then be allowed to
     * administer each. What was removed cannot be brought back.
     * Errors: SERVICE_NOT_FOUND (there is neither a token nor configuration).
     * </pre>
     */
    public void deleteService(io.github.configservice.admin.v1.DeleteServiceRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DeleteServiceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteServiceMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ConfigAdminService.
   * <pre>
   * ConfigAdminService registers services and looks after their credentials.
   * Errors of every method: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED (the same
   * whether the service exists or not), STORE_UNAVAILABLE (nothing was done, or it is not
   * known whether it was: ask ListServices), STORE_UNSUITABLE (the store has no
   * authentication turned on, or is a release whose isolation has known holes).
   * </pre>
   */
  public static final class ConfigAdminServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ConfigAdminServiceBlockingV2Stub> {
    private ConfigAdminServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConfigAdminServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConfigAdminServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * RegisterService makes a namespace in an environment a service with a first token.
     * Configuration may be there before, and stays. A service whose tokens were all
     * revoked or have expired can be registered again.
     * Errors: SERVICE_EXISTS (it has a token that is in use; RotateToken makes another).
     * </pre>
     */
    public io.github.configservice.admin.v1.RegisterServiceResponse registerService(io.github.configservice.admin.v1.RegisterServiceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRegisterServiceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RotateToken makes a new token for a service, and lets those before it end after
     * `overlap`: long enough for every sidecar to take the new one up. A token that ends
     * sooner anyway keeps its time.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    public io.github.configservice.admin.v1.RotateTokenResponse rotateToken(io.github.configservice.admin.v1.RotateTokenRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRotateTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RevokeService ends every token of a service at once. New reads and new logins are
     * refused; a sidecar that is connected notices within about 10 s, says STALE and keeps
     * what it has. The configuration stays. Without a token in use it does nothing.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    public io.github.configservice.admin.v1.RevokeServiceResponse revokeService(io.github.configservice.admin.v1.RevokeServiceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRevokeServiceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListServices answers the registered services that the caller may administer, by
     * namespace and then environment.
     * </pre>
     */
    public io.github.configservice.admin.v1.ListServicesResponse listServices(io.github.configservice.admin.v1.ListServicesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListServicesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteService removes a service: its tokens, its configuration and whatever else is
     * kept about it. With `all_environments` it does so in every environment, and removes
     * what the namespace has for all of them; the caller must then be allowed to
     * administer each. What was removed cannot be brought back.
     * Errors: SERVICE_NOT_FOUND (there is neither a token nor configuration).
     * </pre>
     */
    public io.github.configservice.admin.v1.DeleteServiceResponse deleteService(io.github.configservice.admin.v1.DeleteServiceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteServiceMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ConfigAdminService.
   * <pre>
   * ConfigAdminService registers services and looks after their credentials.
   * Errors of every method: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED (the same
   * whether the service exists or not), STORE_UNAVAILABLE (nothing was done, or it is not
   * known whether it was: ask ListServices), STORE_UNSUITABLE (the store has no
   * authentication turned on, or is a release whose isolation has known holes).
   * </pre>
   */
  public static final class ConfigAdminServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ConfigAdminServiceBlockingStub> {
    private ConfigAdminServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConfigAdminServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConfigAdminServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * RegisterService makes a namespace in an environment a service with a first token.
     * Configuration may be there before, and stays. A service whose tokens were all
     * revoked or have expired can be registered again.
     * Errors: SERVICE_EXISTS (it has a token that is in use; RotateToken makes another).
     * </pre>
     */
    public io.github.configservice.admin.v1.RegisterServiceResponse registerService(io.github.configservice.admin.v1.RegisterServiceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRegisterServiceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RotateToken makes a new token for a service, and lets those before it end after
     * `overlap`: long enough for every sidecar to take the new one up. A token that ends
     * sooner anyway keeps its time.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    public io.github.configservice.admin.v1.RotateTokenResponse rotateToken(io.github.configservice.admin.v1.RotateTokenRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRotateTokenMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RevokeService ends every token of a service at once. New reads and new logins are
     * refused; a sidecar that is connected notices within about 10 s, says STALE and keeps
     * what it has. The configuration stays. Without a token in use it does nothing.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    public io.github.configservice.admin.v1.RevokeServiceResponse revokeService(io.github.configservice.admin.v1.RevokeServiceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRevokeServiceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListServices answers the registered services that the caller may administer, by
     * namespace and then environment.
     * </pre>
     */
    public io.github.configservice.admin.v1.ListServicesResponse listServices(io.github.configservice.admin.v1.ListServicesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListServicesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteService removes a service: its tokens, its configuration and whatever else is
     * kept about it. With `all_environments` it does so in every environment, and removes
     * what the namespace has for all of them; the caller must then be allowed to
     * administer each. What was removed cannot be brought back.
     * Errors: SERVICE_NOT_FOUND (there is neither a token nor configuration).
     * </pre>
     */
    public io.github.configservice.admin.v1.DeleteServiceResponse deleteService(io.github.configservice.admin.v1.DeleteServiceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteServiceMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ConfigAdminService.
   * <pre>
   * ConfigAdminService registers services and looks after their credentials.
   * Errors of every method: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED (the same
   * whether the service exists or not), STORE_UNAVAILABLE (nothing was done, or it is not
   * known whether it was: ask ListServices), STORE_UNSUITABLE (the store has no
   * authentication turned on, or is a release whose isolation has known holes).
   * </pre>
   */
  public static final class ConfigAdminServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ConfigAdminServiceFutureStub> {
    private ConfigAdminServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ConfigAdminServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ConfigAdminServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * RegisterService makes a namespace in an environment a service with a first token.
     * Configuration may be there before, and stays. A service whose tokens were all
     * revoked or have expired can be registered again.
     * Errors: SERVICE_EXISTS (it has a token that is in use; RotateToken makes another).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.RegisterServiceResponse> registerService(
        io.github.configservice.admin.v1.RegisterServiceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRegisterServiceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * RotateToken makes a new token for a service, and lets those before it end after
     * `overlap`: long enough for every sidecar to take the new one up. A token that ends
     * sooner anyway keeps its time.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.RotateTokenResponse> rotateToken(
        io.github.configservice.admin.v1.RotateTokenRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRotateTokenMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * RevokeService ends every token of a service at once. New reads and new logins are
     * refused; a sidecar that is connected notices within about 10 s, says STALE and keeps
     * what it has. The configuration stays. Without a token in use it does nothing.
     * Errors: SERVICE_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.RevokeServiceResponse> revokeService(
        io.github.configservice.admin.v1.RevokeServiceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRevokeServiceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListServices answers the registered services that the caller may administer, by
     * namespace and then environment.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.ListServicesResponse> listServices(
        io.github.configservice.admin.v1.ListServicesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListServicesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * DeleteService removes a service: its tokens, its configuration and whatever else is
     * kept about it. With `all_environments` it does so in every environment, and removes
     * what the namespace has for all of them; the caller must then be allowed to
     * administer each. What was removed cannot be brought back.
     * Errors: SERVICE_NOT_FOUND (there is neither a token nor configuration).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.DeleteServiceResponse> deleteService(
        io.github.configservice.admin.v1.DeleteServiceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteServiceMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_REGISTER_SERVICE = 0;
  private static final int METHODID_ROTATE_TOKEN = 1;
  private static final int METHODID_REVOKE_SERVICE = 2;
  private static final int METHODID_LIST_SERVICES = 3;
  private static final int METHODID_DELETE_SERVICE = 4;

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
        case METHODID_REGISTER_SERVICE:
          serviceImpl.registerService((io.github.configservice.admin.v1.RegisterServiceRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RegisterServiceResponse>) responseObserver);
          break;
        case METHODID_ROTATE_TOKEN:
          serviceImpl.rotateToken((io.github.configservice.admin.v1.RotateTokenRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RotateTokenResponse>) responseObserver);
          break;
        case METHODID_REVOKE_SERVICE:
          serviceImpl.revokeService((io.github.configservice.admin.v1.RevokeServiceRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RevokeServiceResponse>) responseObserver);
          break;
        case METHODID_LIST_SERVICES:
          serviceImpl.listServices((io.github.configservice.admin.v1.ListServicesRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListServicesResponse>) responseObserver);
          break;
        case METHODID_DELETE_SERVICE:
          serviceImpl.deleteService((io.github.configservice.admin.v1.DeleteServiceRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DeleteServiceResponse>) responseObserver);
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
          getRegisterServiceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.RegisterServiceRequest,
              io.github.configservice.admin.v1.RegisterServiceResponse>(
                service, METHODID_REGISTER_SERVICE)))
        .addMethod(
          getRotateTokenMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.RotateTokenRequest,
              io.github.configservice.admin.v1.RotateTokenResponse>(
                service, METHODID_ROTATE_TOKEN)))
        .addMethod(
          getRevokeServiceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.RevokeServiceRequest,
              io.github.configservice.admin.v1.RevokeServiceResponse>(
                service, METHODID_REVOKE_SERVICE)))
        .addMethod(
          getListServicesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.ListServicesRequest,
              io.github.configservice.admin.v1.ListServicesResponse>(
                service, METHODID_LIST_SERVICES)))
        .addMethod(
          getDeleteServiceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.DeleteServiceRequest,
              io.github.configservice.admin.v1.DeleteServiceResponse>(
                service, METHODID_DELETE_SERVICE)))
        .build();
  }

  private static abstract class ConfigAdminServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ConfigAdminServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.configservice.admin.v1.ConfigAdminServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ConfigAdminService");
    }
  }

  private static final class ConfigAdminServiceFileDescriptorSupplier
      extends ConfigAdminServiceBaseDescriptorSupplier {
    ConfigAdminServiceFileDescriptorSupplier() {}
  }

  private static final class ConfigAdminServiceMethodDescriptorSupplier
      extends ConfigAdminServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ConfigAdminServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ConfigAdminServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ConfigAdminServiceFileDescriptorSupplier())
              .addMethod(getRegisterServiceMethod())
              .addMethod(getRotateTokenMethod())
              .addMethod(getRevokeServiceMethod())
              .addMethod(getListServicesMethod())
              .addMethod(getDeleteServiceMethod())
              .build();
        }
      }
    }
    return result;
  }
}
