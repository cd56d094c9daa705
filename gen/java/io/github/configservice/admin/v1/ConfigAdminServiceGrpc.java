package io.github.configservice.admin.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * ConfigAdminService changes configuration and keeps its history; it registers services and
 * looks after their credentials.
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

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.CommitRequest,
      io.github.configservice.admin.v1.CommitResponse> getCommitMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Commit",
      requestType = io.github.configservice.admin.v1.CommitRequest.class,
      responseType = io.github.configservice.admin.v1.CommitResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.CommitRequest,
      io.github.configservice.admin.v1.CommitResponse> getCommitMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.CommitRequest, io.github.configservice.admin.v1.CommitResponse> getCommitMethod;
    if ((getCommitMethod = ConfigAdminServiceGrpc.getCommitMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getCommitMethod = ConfigAdminServiceGrpc.getCommitMethod) == null) {
          ConfigAdminServiceGrpc.getCommitMethod = getCommitMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.CommitRequest, io.github.configservice.admin.v1.CommitResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Commit"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.CommitRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.CommitResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("Commit"))
              .build();
        }
      }
    }
    return getCommitMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RollbackRequest,
      io.github.configservice.admin.v1.RollbackResponse> getRollbackMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Rollback",
      requestType = io.github.configservice.admin.v1.RollbackRequest.class,
      responseType = io.github.configservice.admin.v1.RollbackResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RollbackRequest,
      io.github.configservice.admin.v1.RollbackResponse> getRollbackMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.RollbackRequest, io.github.configservice.admin.v1.RollbackResponse> getRollbackMethod;
    if ((getRollbackMethod = ConfigAdminServiceGrpc.getRollbackMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getRollbackMethod = ConfigAdminServiceGrpc.getRollbackMethod) == null) {
          ConfigAdminServiceGrpc.getRollbackMethod = getRollbackMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.RollbackRequest, io.github.configservice.admin.v1.RollbackResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Rollback"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.RollbackRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.RollbackResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("Rollback"))
              .build();
        }
      }
    }
    return getRollbackMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListVersionsRequest,
      io.github.configservice.admin.v1.ListVersionsResponse> getListVersionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListVersions",
      requestType = io.github.configservice.admin.v1.ListVersionsRequest.class,
      responseType = io.github.configservice.admin.v1.ListVersionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListVersionsRequest,
      io.github.configservice.admin.v1.ListVersionsResponse> getListVersionsMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListVersionsRequest, io.github.configservice.admin.v1.ListVersionsResponse> getListVersionsMethod;
    if ((getListVersionsMethod = ConfigAdminServiceGrpc.getListVersionsMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getListVersionsMethod = ConfigAdminServiceGrpc.getListVersionsMethod) == null) {
          ConfigAdminServiceGrpc.getListVersionsMethod = getListVersionsMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.ListVersionsRequest, io.github.configservice.admin.v1.ListVersionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListVersions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.ListVersionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.ListVersionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("ListVersions"))
              .build();
        }
      }
    }
    return getListVersionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetVersionRequest,
      io.github.configservice.admin.v1.GetVersionResponse> getGetVersionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetVersion",
      requestType = io.github.configservice.admin.v1.GetVersionRequest.class,
      responseType = io.github.configservice.admin.v1.GetVersionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetVersionRequest,
      io.github.configservice.admin.v1.GetVersionResponse> getGetVersionMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetVersionRequest, io.github.configservice.admin.v1.GetVersionResponse> getGetVersionMethod;
    if ((getGetVersionMethod = ConfigAdminServiceGrpc.getGetVersionMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getGetVersionMethod = ConfigAdminServiceGrpc.getGetVersionMethod) == null) {
          ConfigAdminServiceGrpc.getGetVersionMethod = getGetVersionMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.GetVersionRequest, io.github.configservice.admin.v1.GetVersionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetVersion"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.GetVersionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.GetVersionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("GetVersion"))
              .build();
        }
      }
    }
    return getGetVersionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DiffRequest,
      io.github.configservice.admin.v1.DiffResponse> getDiffMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Diff",
      requestType = io.github.configservice.admin.v1.DiffRequest.class,
      responseType = io.github.configservice.admin.v1.DiffResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DiffRequest,
      io.github.configservice.admin.v1.DiffResponse> getDiffMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DiffRequest, io.github.configservice.admin.v1.DiffResponse> getDiffMethod;
    if ((getDiffMethod = ConfigAdminServiceGrpc.getDiffMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getDiffMethod = ConfigAdminServiceGrpc.getDiffMethod) == null) {
          ConfigAdminServiceGrpc.getDiffMethod = getDiffMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.DiffRequest, io.github.configservice.admin.v1.DiffResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Diff"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.DiffRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.DiffResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("Diff"))
              .build();
        }
      }
    }
    return getDiffMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetScopeRequest,
      io.github.configservice.admin.v1.GetScopeResponse> getGetScopeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetScope",
      requestType = io.github.configservice.admin.v1.GetScopeRequest.class,
      responseType = io.github.configservice.admin.v1.GetScopeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetScopeRequest,
      io.github.configservice.admin.v1.GetScopeResponse> getGetScopeMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetScopeRequest, io.github.configservice.admin.v1.GetScopeResponse> getGetScopeMethod;
    if ((getGetScopeMethod = ConfigAdminServiceGrpc.getGetScopeMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getGetScopeMethod = ConfigAdminServiceGrpc.getGetScopeMethod) == null) {
          ConfigAdminServiceGrpc.getGetScopeMethod = getGetScopeMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.GetScopeRequest, io.github.configservice.admin.v1.GetScopeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetScope"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.GetScopeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.GetScopeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("GetScope"))
              .build();
        }
      }
    }
    return getGetScopeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListNamespacesRequest,
      io.github.configservice.admin.v1.ListNamespacesResponse> getListNamespacesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListNamespaces",
      requestType = io.github.configservice.admin.v1.ListNamespacesRequest.class,
      responseType = io.github.configservice.admin.v1.ListNamespacesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListNamespacesRequest,
      io.github.configservice.admin.v1.ListNamespacesResponse> getListNamespacesMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.ListNamespacesRequest, io.github.configservice.admin.v1.ListNamespacesResponse> getListNamespacesMethod;
    if ((getListNamespacesMethod = ConfigAdminServiceGrpc.getListNamespacesMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getListNamespacesMethod = ConfigAdminServiceGrpc.getListNamespacesMethod) == null) {
          ConfigAdminServiceGrpc.getListNamespacesMethod = getListNamespacesMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.ListNamespacesRequest, io.github.configservice.admin.v1.ListNamespacesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListNamespaces"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.ListNamespacesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.ListNamespacesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("ListNamespaces"))
              .build();
        }
      }
    }
    return getListNamespacesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.WatchHeadsRequest,
      io.github.configservice.admin.v1.WatchHeadsResponse> getWatchHeadsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchHeads",
      requestType = io.github.configservice.admin.v1.WatchHeadsRequest.class,
      responseType = io.github.configservice.admin.v1.WatchHeadsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.WatchHeadsRequest,
      io.github.configservice.admin.v1.WatchHeadsResponse> getWatchHeadsMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.WatchHeadsRequest, io.github.configservice.admin.v1.WatchHeadsResponse> getWatchHeadsMethod;
    if ((getWatchHeadsMethod = ConfigAdminServiceGrpc.getWatchHeadsMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getWatchHeadsMethod = ConfigAdminServiceGrpc.getWatchHeadsMethod) == null) {
          ConfigAdminServiceGrpc.getWatchHeadsMethod = getWatchHeadsMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.WatchHeadsRequest, io.github.configservice.admin.v1.WatchHeadsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchHeads"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.WatchHeadsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.WatchHeadsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("WatchHeads"))
              .build();
        }
      }
    }
    return getWatchHeadsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.SearchRequest,
      io.github.configservice.admin.v1.SearchResponse> getSearchMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Search",
      requestType = io.github.configservice.admin.v1.SearchRequest.class,
      responseType = io.github.configservice.admin.v1.SearchResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.SearchRequest,
      io.github.configservice.admin.v1.SearchResponse> getSearchMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.SearchRequest, io.github.configservice.admin.v1.SearchResponse> getSearchMethod;
    if ((getSearchMethod = ConfigAdminServiceGrpc.getSearchMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getSearchMethod = ConfigAdminServiceGrpc.getSearchMethod) == null) {
          ConfigAdminServiceGrpc.getSearchMethod = getSearchMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.SearchRequest, io.github.configservice.admin.v1.SearchResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Search"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.SearchRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.SearchResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("Search"))
              .build();
        }
      }
    }
    return getSearchMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.PutSchemaRequest,
      io.github.configservice.admin.v1.PutSchemaResponse> getPutSchemaMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PutSchema",
      requestType = io.github.configservice.admin.v1.PutSchemaRequest.class,
      responseType = io.github.configservice.admin.v1.PutSchemaResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.PutSchemaRequest,
      io.github.configservice.admin.v1.PutSchemaResponse> getPutSchemaMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.PutSchemaRequest, io.github.configservice.admin.v1.PutSchemaResponse> getPutSchemaMethod;
    if ((getPutSchemaMethod = ConfigAdminServiceGrpc.getPutSchemaMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getPutSchemaMethod = ConfigAdminServiceGrpc.getPutSchemaMethod) == null) {
          ConfigAdminServiceGrpc.getPutSchemaMethod = getPutSchemaMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.PutSchemaRequest, io.github.configservice.admin.v1.PutSchemaResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PutSchema"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.PutSchemaRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.PutSchemaResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("PutSchema"))
              .build();
        }
      }
    }
    return getPutSchemaMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetSchemaRequest,
      io.github.configservice.admin.v1.GetSchemaResponse> getGetSchemaMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetSchema",
      requestType = io.github.configservice.admin.v1.GetSchemaRequest.class,
      responseType = io.github.configservice.admin.v1.GetSchemaResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetSchemaRequest,
      io.github.configservice.admin.v1.GetSchemaResponse> getGetSchemaMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.GetSchemaRequest, io.github.configservice.admin.v1.GetSchemaResponse> getGetSchemaMethod;
    if ((getGetSchemaMethod = ConfigAdminServiceGrpc.getGetSchemaMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getGetSchemaMethod = ConfigAdminServiceGrpc.getGetSchemaMethod) == null) {
          ConfigAdminServiceGrpc.getGetSchemaMethod = getGetSchemaMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.GetSchemaRequest, io.github.configservice.admin.v1.GetSchemaResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetSchema"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.GetSchemaRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.GetSchemaResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("GetSchema"))
              .build();
        }
      }
    }
    return getGetSchemaMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DeleteSchemaRequest,
      io.github.configservice.admin.v1.DeleteSchemaResponse> getDeleteSchemaMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteSchema",
      requestType = io.github.configservice.admin.v1.DeleteSchemaRequest.class,
      responseType = io.github.configservice.admin.v1.DeleteSchemaResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DeleteSchemaRequest,
      io.github.configservice.admin.v1.DeleteSchemaResponse> getDeleteSchemaMethod() {
    io.grpc.MethodDescriptor<io.github.configservice.admin.v1.DeleteSchemaRequest, io.github.configservice.admin.v1.DeleteSchemaResponse> getDeleteSchemaMethod;
    if ((getDeleteSchemaMethod = ConfigAdminServiceGrpc.getDeleteSchemaMethod) == null) {
      synchronized (ConfigAdminServiceGrpc.class) {
        if ((getDeleteSchemaMethod = ConfigAdminServiceGrpc.getDeleteSchemaMethod) == null) {
          ConfigAdminServiceGrpc.getDeleteSchemaMethod = getDeleteSchemaMethod =
              io.grpc.MethodDescriptor.<io.github.configservice.admin.v1.DeleteSchemaRequest, io.github.configservice.admin.v1.DeleteSchemaResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteSchema"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.DeleteSchemaRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.configservice.admin.v1.DeleteSchemaResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ConfigAdminServiceMethodDescriptorSupplier("DeleteSchema"))
              .build();
        }
      }
    }
    return getDeleteSchemaMethod;
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
   * ConfigAdminService changes configuration and keeps its history; it registers services and
   * looks after their credentials.
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

    /**
     * <pre>
     * Commit changes keys of one namespace, in one or more environments: all of it or
     * nothing, at one revision, together with its history. Whoever watches sees it as one
     * step. It reads what it starts from, so that two commits never mix.
     * Errors: VERSION_CONFLICT (an expected version or a plan is not the present one; or
     * others keep changing the same scopes: nothing was done. The ErrorInfo metadata has
     * `environment`, `expected_version`, `current_version` and its `author` and `time`),
     * SCHEMA_VIOLATION (an effective configuration would violate a schema where it does not
     * now; a google.rpc.PreconditionFailure names each service, environment, key and rule),
     * RISK_NOT_ACCEPTED (the policy file protects a scope that changes, and a finding of the
     * plan was not accepted; a google.rpc.PreconditionFailure names each),
     * TOO_LARGE (a limit of a scope or a commit; the message names it), INVALID_ARGUMENT
     * (also: nothing would change; the request_id was used for something else),
     * STORE_UNAVAILABLE (the message says whether it is unknown if it was done: the same
     * call again with a request_id tells).
     * </pre>
     */
    default void commit(io.github.configservice.admin.v1.CommitRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.CommitResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCommitMethod(), responseObserver);
    }

    /**
     * <pre>
     * Rollback makes the content of an earlier version the content of a new one. It is a
     * commit like any other: it takes nothing out of the history. What was unusable in
     * that version comes back as it was, and no schema refuses it; the dry run says so.
     * Errors: as Commit but SCHEMA_VIOLATION, and VERSION_NOT_FOUND.
     * </pre>
     */
    default void rollback(io.github.configservice.admin.v1.RollbackRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RollbackResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRollbackMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListVersions answers the history of a scope.
     * </pre>
     */
    default void listVersions(io.github.configservice.admin.v1.ListVersionsRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListVersionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListVersionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetVersion answers a version: what it changed, and all that the scope held then. It
     * asks the store, and so knows every commit that was answered before.
     * Errors: VERSION_NOT_FOUND (there was none yet, or it is no longer kept), TOO_LARGE.
     * </pre>
     */
    default void getVersion(io.github.configservice.admin.v1.GetVersionRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetVersionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetVersionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Diff compares two versions, or two environments.
     * Errors: VERSION_NOT_FOUND, TOO_LARGE.
     * </pre>
     */
    default void diff(io.github.configservice.admin.v1.DiffRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DiffResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDiffMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetScope answers what a scope holds now: its own entries, who set them, and what
     * they shadow. It asks the store.
     * </pre>
     */
    default void getScope(io.github.configservice.admin.v1.GetScopeRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetScopeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetScopeMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListNamespaces answers the scopes that the caller may read, and where each stands.
     * </pre>
     */
    default void listNamespaces(io.github.configservice.admin.v1.ListNamespacesRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListNamespacesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListNamespacesMethod(), responseObserver);
    }

    /**
     * <pre>
     * WatchHeads streams where scopes stand: first all that the caller may read, then each
     * that a commit changes, that is new or that is gone. It is state, not history: a slow
     * reader gets the latest. When the store is lost the stream ends as STORE_UNAVAILABLE:
     * come back after the RetryInfo delay. It ends with the caller's grant, too.
     * Errors: TOO_MANY_STREAMS, STORE_UNAVAILABLE.
     * </pre>
     */
    default void watchHeads(io.github.configservice.admin.v1.WatchHeadsRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.WatchHeadsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchHeadsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Search finds entries by their key and their value, in every scope that the caller may
     * read. It asks the store. Pages are not of one moment.
     * </pre>
     */
    default void search(io.github.configservice.admin.v1.SearchRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.SearchResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSearchMethod(), responseObserver);
    }

    /**
     * <pre>
     * PutSchema gives a service a schema, in place of the one before. From then on commits
     * are judged: one to the service in the environments that it changes, one to `_all` in
     * every environment in which the service has configuration of its own, and one to
     * `_shared` likewise for every service that has a schema. Two commits at the same time
     * to the service and to `_shared` may together do what each alone may not.
     * Errors: VERSION_CONFLICT (`expected_revision` is not the present one), TOO_LARGE (the
     * schema costs too much to judge by; the message names the limit), PERMISSION_DENIED
     * (also: the present schema marks keys as sensitive, and the caller has no READ_SENSITIVE
     * in `_all` of the service).
     * </pre>
     */
    default void putSchema(io.github.configservice.admin.v1.PutSchemaRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.PutSchemaResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPutSchemaMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetSchema answers the schema of a service.
     * </pre>
     */
    default void getSchema(io.github.configservice.admin.v1.GetSchemaRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetSchemaResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetSchemaMethod(), responseObserver);
    }

    /**
     * <pre>
     * DeleteSchema removes the schema of a service.
     * Errors: VERSION_CONFLICT and PERMISSION_DENIED as PutSchema.
     * </pre>
     */
    default void deleteSchema(io.github.configservice.admin.v1.DeleteSchemaRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DeleteSchemaResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteSchemaMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ConfigAdminService.
   * <pre>
   * ConfigAdminService changes configuration and keeps its history; it registers services and
   * looks after their credentials.
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
   * ConfigAdminService changes configuration and keeps its history; it registers services and
   * looks after their credentials.
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

    /**
     * <pre>
     * Commit changes keys of one namespace, in one or more environments: all of it or
     * nothing, at one revision, together with its history. Whoever watches sees it as one
     * step. It reads what it starts from, so that two commits never mix.
     * Errors: VERSION_CONFLICT (an expected version or a plan is not the present one; or
     * others keep changing the same scopes: nothing was done. The ErrorInfo metadata has
     * `environment`, `expected_version`, `current_version` and its `author` and `time`),
     * SCHEMA_VIOLATION (an effective configuration would violate a schema where it does not
     * now; a google.rpc.PreconditionFailure names each service, environment, key and rule),
     * RISK_NOT_ACCEPTED (the policy file protects a scope that changes, and a finding of the
     * plan was not accepted; a google.rpc.PreconditionFailure names each),
     * TOO_LARGE (a limit of a scope or a commit; the message names it), INVALID_ARGUMENT
     * (also: nothing would change; the request_id was used for something else),
     * STORE_UNAVAILABLE (the message says whether it is unknown if it was done: the same
     * call again with a request_id tells).
     * </pre>
     */
    public void commit(io.github.configservice.admin.v1.CommitRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.CommitResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCommitMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Rollback makes the content of an earlier version the content of a new one. It is a
     * commit like any other: it takes nothing out of the history. What was unusable in
     * that version comes back as it was, and no schema refuses it; the dry run says so.
     * Errors: as Commit but SCHEMA_VIOLATION, and VERSION_NOT_FOUND.
     * </pre>
     */
    public void rollback(io.github.configservice.admin.v1.RollbackRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RollbackResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRollbackMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListVersions answers the history of a scope.
     * </pre>
     */
    public void listVersions(io.github.configservice.admin.v1.ListVersionsRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListVersionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListVersionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetVersion answers a version: what it changed, and all that the scope held then. It
     * asks the store, and so knows every commit that was answered before.
     * Errors: VERSION_NOT_FOUND (there was none yet, or it is no longer kept), TOO_LARGE.
     * </pre>
     */
    public void getVersion(io.github.configservice.admin.v1.GetVersionRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetVersionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetVersionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Diff compares two versions, or two environments.
     * Errors: VERSION_NOT_FOUND, TOO_LARGE.
     * </pre>
     */
    public void diff(io.github.configservice.admin.v1.DiffRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DiffResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDiffMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetScope answers what a scope holds now: its own entries, who set them, and what
     * they shadow. It asks the store.
     * </pre>
     */
    public void getScope(io.github.configservice.admin.v1.GetScopeRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetScopeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetScopeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListNamespaces answers the scopes that the caller may read, and where each stands.
     * </pre>
     */
    public void listNamespaces(io.github.configservice.admin.v1.ListNamespacesRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListNamespacesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListNamespacesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * WatchHeads streams where scopes stand: first all that the caller may read, then each
     * that a commit changes, that is new or that is gone. It is state, not history: a slow
     * reader gets the latest. When the store is lost the stream ends as STORE_UNAVAILABLE:
     * come back after the RetryInfo delay. It ends with the caller's grant, too.
     * Errors: TOO_MANY_STREAMS, STORE_UNAVAILABLE.
     * </pre>
     */
    public void watchHeads(io.github.configservice.admin.v1.WatchHeadsRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.WatchHeadsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchHeadsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Search finds entries by their key and their value, in every scope that the caller may
     * read. It asks the store. Pages are not of one moment.
     * </pre>
     */
    public void search(io.github.configservice.admin.v1.SearchRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.SearchResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSearchMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * PutSchema gives a service a schema, in place of the one before. From then on commits
     * are judged: one to the service in the environments that it changes, one to `_all` in
     * every environment in which the service has configuration of its own, and one to
     * `_shared` likewise for every service that has a schema. Two commits at the same time
     * to the service and to `_shared` may together do what each alone may not.
     * Errors: VERSION_CONFLICT (`expected_revision` is not the present one), TOO_LARGE (the
     * schema costs too much to judge by; the message names the limit), PERMISSION_DENIED
     * (also: the present schema marks keys as sensitive, and the caller has no READ_SENSITIVE
     * in `_all` of the service).
     * </pre>
     */
    public void putSchema(io.github.configservice.admin.v1.PutSchemaRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.PutSchemaResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPutSchemaMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetSchema answers the schema of a service.
     * </pre>
     */
    public void getSchema(io.github.configservice.admin.v1.GetSchemaRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetSchemaResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetSchemaMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * DeleteSchema removes the schema of a service.
     * Errors: VERSION_CONFLICT and PERMISSION_DENIED as PutSchema.
     * </pre>
     */
    public void deleteSchema(io.github.configservice.admin.v1.DeleteSchemaRequest request,
        io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DeleteSchemaResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteSchemaMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ConfigAdminService.
   * <pre>
   * ConfigAdminService changes configuration and keeps its history; it registers services and
   * looks after their credentials.
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

    /**
     * <pre>
     * Commit changes keys of one namespace, in one or more environments: all of it or
     * nothing, at one revision, together with its history. Whoever watches sees it as one
     * step. It reads what it starts from, so that two commits never mix.
     * Errors: VERSION_CONFLICT (an expected version or a plan is not the present one; or
     * others keep changing the same scopes: nothing was done. The ErrorInfo metadata has
     * `environment`, `expected_version`, `current_version` and its `author` and `time`),
     * SCHEMA_VIOLATION (an effective configuration would violate a schema where it does not
     * now; a google.rpc.PreconditionFailure names each service, environment, key and rule),
     * RISK_NOT_ACCEPTED (the policy file protects a scope that changes, and a finding of the
     * plan was not accepted; a google.rpc.PreconditionFailure names each),
     * TOO_LARGE (a limit of a scope or a commit; the message names it), INVALID_ARGUMENT
     * (also: nothing would change; the request_id was used for something else),
     * STORE_UNAVAILABLE (the message says whether it is unknown if it was done: the same
     * call again with a request_id tells).
     * </pre>
     */
    public io.github.configservice.admin.v1.CommitResponse commit(io.github.configservice.admin.v1.CommitRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCommitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Rollback makes the content of an earlier version the content of a new one. It is a
     * commit like any other: it takes nothing out of the history. What was unusable in
     * that version comes back as it was, and no schema refuses it; the dry run says so.
     * Errors: as Commit but SCHEMA_VIOLATION, and VERSION_NOT_FOUND.
     * </pre>
     */
    public io.github.configservice.admin.v1.RollbackResponse rollback(io.github.configservice.admin.v1.RollbackRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRollbackMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListVersions answers the history of a scope.
     * </pre>
     */
    public io.github.configservice.admin.v1.ListVersionsResponse listVersions(io.github.configservice.admin.v1.ListVersionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListVersionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetVersion answers a version: what it changed, and all that the scope held then. It
     * asks the store, and so knows every commit that was answered before.
     * Errors: VERSION_NOT_FOUND (there was none yet, or it is no longer kept), TOO_LARGE.
     * </pre>
     */
    public io.github.configservice.admin.v1.GetVersionResponse getVersion(io.github.configservice.admin.v1.GetVersionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetVersionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Diff compares two versions, or two environments.
     * Errors: VERSION_NOT_FOUND, TOO_LARGE.
     * </pre>
     */
    public io.github.configservice.admin.v1.DiffResponse diff(io.github.configservice.admin.v1.DiffRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDiffMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetScope answers what a scope holds now: its own entries, who set them, and what
     * they shadow. It asks the store.
     * </pre>
     */
    public io.github.configservice.admin.v1.GetScopeResponse getScope(io.github.configservice.admin.v1.GetScopeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetScopeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListNamespaces answers the scopes that the caller may read, and where each stands.
     * </pre>
     */
    public io.github.configservice.admin.v1.ListNamespacesResponse listNamespaces(io.github.configservice.admin.v1.ListNamespacesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListNamespacesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * WatchHeads streams where scopes stand: first all that the caller may read, then each
     * that a commit changes, that is new or that is gone. It is state, not history: a slow
     * reader gets the latest. When the store is lost the stream ends as STORE_UNAVAILABLE:
     * come back after the RetryInfo delay. It ends with the caller's grant, too.
     * Errors: TOO_MANY_STREAMS, STORE_UNAVAILABLE.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.configservice.admin.v1.WatchHeadsResponse>
        watchHeads(io.github.configservice.admin.v1.WatchHeadsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchHeadsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Search finds entries by their key and their value, in every scope that the caller may
     * read. It asks the store. Pages are not of one moment.
     * </pre>
     */
    public io.github.configservice.admin.v1.SearchResponse search(io.github.configservice.admin.v1.SearchRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSearchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * PutSchema gives a service a schema, in place of the one before. From then on commits
     * are judged: one to the service in the environments that it changes, one to `_all` in
     * every environment in which the service has configuration of its own, and one to
     * `_shared` likewise for every service that has a schema. Two commits at the same time
     * to the service and to `_shared` may together do what each alone may not.
     * Errors: VERSION_CONFLICT (`expected_revision` is not the present one), TOO_LARGE (the
     * schema costs too much to judge by; the message names the limit), PERMISSION_DENIED
     * (also: the present schema marks keys as sensitive, and the caller has no READ_SENSITIVE
     * in `_all` of the service).
     * </pre>
     */
    public io.github.configservice.admin.v1.PutSchemaResponse putSchema(io.github.configservice.admin.v1.PutSchemaRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPutSchemaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetSchema answers the schema of a service.
     * </pre>
     */
    public io.github.configservice.admin.v1.GetSchemaResponse getSchema(io.github.configservice.admin.v1.GetSchemaRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetSchemaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteSchema removes the schema of a service.
     * Errors: VERSION_CONFLICT and PERMISSION_DENIED as PutSchema.
     * </pre>
     */
    public io.github.configservice.admin.v1.DeleteSchemaResponse deleteSchema(io.github.configservice.admin.v1.DeleteSchemaRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteSchemaMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ConfigAdminService.
   * <pre>
   * ConfigAdminService changes configuration and keeps its history; it registers services and
   * looks after their credentials.
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

    /**
     * <pre>
     * Commit changes keys of one namespace, in one or more environments: all of it or
     * nothing, at one revision, together with its history. Whoever watches sees it as one
     * step. It reads what it starts from, so that two commits never mix.
     * Errors: VERSION_CONFLICT (an expected version or a plan is not the present one; or
     * others keep changing the same scopes: nothing was done. The ErrorInfo metadata has
     * `environment`, `expected_version`, `current_version` and its `author` and `time`),
     * SCHEMA_VIOLATION (an effective configuration would violate a schema where it does not
     * now; a google.rpc.PreconditionFailure names each service, environment, key and rule),
     * RISK_NOT_ACCEPTED (the policy file protects a scope that changes, and a finding of the
     * plan was not accepted; a google.rpc.PreconditionFailure names each),
     * TOO_LARGE (a limit of a scope or a commit; the message names it), INVALID_ARGUMENT
     * (also: nothing would change; the request_id was used for something else),
     * STORE_UNAVAILABLE (the message says whether it is unknown if it was done: the same
     * call again with a request_id tells).
     * </pre>
     */
    public io.github.configservice.admin.v1.CommitResponse commit(io.github.configservice.admin.v1.CommitRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCommitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Rollback makes the content of an earlier version the content of a new one. It is a
     * commit like any other: it takes nothing out of the history. What was unusable in
     * that version comes back as it was, and no schema refuses it; the dry run says so.
     * Errors: as Commit but SCHEMA_VIOLATION, and VERSION_NOT_FOUND.
     * </pre>
     */
    public io.github.configservice.admin.v1.RollbackResponse rollback(io.github.configservice.admin.v1.RollbackRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRollbackMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListVersions answers the history of a scope.
     * </pre>
     */
    public io.github.configservice.admin.v1.ListVersionsResponse listVersions(io.github.configservice.admin.v1.ListVersionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListVersionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetVersion answers a version: what it changed, and all that the scope held then. It
     * asks the store, and so knows every commit that was answered before.
     * Errors: VERSION_NOT_FOUND (there was none yet, or it is no longer kept), TOO_LARGE.
     * </pre>
     */
    public io.github.configservice.admin.v1.GetVersionResponse getVersion(io.github.configservice.admin.v1.GetVersionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetVersionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Diff compares two versions, or two environments.
     * Errors: VERSION_NOT_FOUND, TOO_LARGE.
     * </pre>
     */
    public io.github.configservice.admin.v1.DiffResponse diff(io.github.configservice.admin.v1.DiffRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDiffMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetScope answers what a scope holds now: its own entries, who set them, and what
     * they shadow. It asks the store.
     * </pre>
     */
    public io.github.configservice.admin.v1.GetScopeResponse getScope(io.github.configservice.admin.v1.GetScopeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetScopeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListNamespaces answers the scopes that the caller may read, and where each stands.
     * </pre>
     */
    public io.github.configservice.admin.v1.ListNamespacesResponse listNamespaces(io.github.configservice.admin.v1.ListNamespacesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListNamespacesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * WatchHeads streams where scopes stand: first all that the caller may read, then each
     * that a commit changes, that is new or that is gone. It is state, not history: a slow
     * reader gets the latest. When the store is lost the stream ends as STORE_UNAVAILABLE:
     * come back after the RetryInfo delay. It ends with the caller's grant, too.
     * Errors: TOO_MANY_STREAMS, STORE_UNAVAILABLE.
     * </pre>
     */
    public java.util.Iterator<io.github.configservice.admin.v1.WatchHeadsResponse> watchHeads(
        io.github.configservice.admin.v1.WatchHeadsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchHeadsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Search finds entries by their key and their value, in every scope that the caller may
     * read. It asks the store. Pages are not of one moment.
     * </pre>
     */
    public io.github.configservice.admin.v1.SearchResponse search(io.github.configservice.admin.v1.SearchRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSearchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * PutSchema gives a service a schema, in place of the one before. From then on commits
     * are judged: one to the service in the environments that it changes, one to `_all` in
     * every environment in which the service has configuration of its own, and one to
     * `_shared` likewise for every service that has a schema. Two commits at the same time
     * to the service and to `_shared` may together do what each alone may not.
     * Errors: VERSION_CONFLICT (`expected_revision` is not the present one), TOO_LARGE (the
     * schema costs too much to judge by; the message names the limit), PERMISSION_DENIED
     * (also: the present schema marks keys as sensitive, and the caller has no READ_SENSITIVE
     * in `_all` of the service).
     * </pre>
     */
    public io.github.configservice.admin.v1.PutSchemaResponse putSchema(io.github.configservice.admin.v1.PutSchemaRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPutSchemaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetSchema answers the schema of a service.
     * </pre>
     */
    public io.github.configservice.admin.v1.GetSchemaResponse getSchema(io.github.configservice.admin.v1.GetSchemaRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetSchemaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteSchema removes the schema of a service.
     * Errors: VERSION_CONFLICT and PERMISSION_DENIED as PutSchema.
     * </pre>
     */
    public io.github.configservice.admin.v1.DeleteSchemaResponse deleteSchema(io.github.configservice.admin.v1.DeleteSchemaRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteSchemaMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ConfigAdminService.
   * <pre>
   * ConfigAdminService changes configuration and keeps its history; it registers services and
   * looks after their credentials.
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

    /**
     * <pre>
     * Commit changes keys of one namespace, in one or more environments: all of it or
     * nothing, at one revision, together with its history. Whoever watches sees it as one
     * step. It reads what it starts from, so that two commits never mix.
     * Errors: VERSION_CONFLICT (an expected version or a plan is not the present one; or
     * others keep changing the same scopes: nothing was done. The ErrorInfo metadata has
     * `environment`, `expected_version`, `current_version` and its `author` and `time`),
     * SCHEMA_VIOLATION (an effective configuration would violate a schema where it does not
     * now; a google.rpc.PreconditionFailure names each service, environment, key and rule),
     * RISK_NOT_ACCEPTED (the policy file protects a scope that changes, and a finding of the
     * plan was not accepted; a google.rpc.PreconditionFailure names each),
     * TOO_LARGE (a limit of a scope or a commit; the message names it), INVALID_ARGUMENT
     * (also: nothing would change; the request_id was used for something else),
     * STORE_UNAVAILABLE (the message says whether it is unknown if it was done: the same
     * call again with a request_id tells).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.CommitResponse> commit(
        io.github.configservice.admin.v1.CommitRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCommitMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Rollback makes the content of an earlier version the content of a new one. It is a
     * commit like any other: it takes nothing out of the history. What was unusable in
     * that version comes back as it was, and no schema refuses it; the dry run says so.
     * Errors: as Commit but SCHEMA_VIOLATION, and VERSION_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.RollbackResponse> rollback(
        io.github.configservice.admin.v1.RollbackRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRollbackMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListVersions answers the history of a scope.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.ListVersionsResponse> listVersions(
        io.github.configservice.admin.v1.ListVersionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListVersionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetVersion answers a version: what it changed, and all that the scope held then. It
     * asks the store, and so knows every commit that was answered before.
     * Errors: VERSION_NOT_FOUND (there was none yet, or it is no longer kept), TOO_LARGE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.GetVersionResponse> getVersion(
        io.github.configservice.admin.v1.GetVersionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetVersionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Diff compares two versions, or two environments.
     * Errors: VERSION_NOT_FOUND, TOO_LARGE.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.DiffResponse> diff(
        io.github.configservice.admin.v1.DiffRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDiffMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetScope answers what a scope holds now: its own entries, who set them, and what
     * they shadow. It asks the store.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.GetScopeResponse> getScope(
        io.github.configservice.admin.v1.GetScopeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetScopeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListNamespaces answers the scopes that the caller may read, and where each stands.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.ListNamespacesResponse> listNamespaces(
        io.github.configservice.admin.v1.ListNamespacesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListNamespacesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Search finds entries by their key and their value, in every scope that the caller may
     * read. It asks the store. Pages are not of one moment.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.SearchResponse> search(
        io.github.configservice.admin.v1.SearchRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSearchMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * PutSchema gives a service a schema, in place of the one before. From then on commits
     * are judged: one to the service in the environments that it changes, one to `_all` in
     * every environment in which the service has configuration of its own, and one to
     * `_shared` likewise for every service that has a schema. Two commits at the same time
     * to the service and to `_shared` may together do what each alone may not.
     * Errors: VERSION_CONFLICT (`expected_revision` is not the present one), TOO_LARGE (the
     * schema costs too much to judge by; the message names the limit), PERMISSION_DENIED
     * (also: the present schema marks keys as sensitive, and the caller has no READ_SENSITIVE
     * in `_all` of the service).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.PutSchemaResponse> putSchema(
        io.github.configservice.admin.v1.PutSchemaRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPutSchemaMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetSchema answers the schema of a service.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.GetSchemaResponse> getSchema(
        io.github.configservice.admin.v1.GetSchemaRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetSchemaMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * DeleteSchema removes the schema of a service.
     * Errors: VERSION_CONFLICT and PERMISSION_DENIED as PutSchema.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.configservice.admin.v1.DeleteSchemaResponse> deleteSchema(
        io.github.configservice.admin.v1.DeleteSchemaRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteSchemaMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_REGISTER_SERVICE = 0;
  private static final int METHODID_ROTATE_TOKEN = 1;
  private static final int METHODID_REVOKE_SERVICE = 2;
  private static final int METHODID_LIST_SERVICES = 3;
  private static final int METHODID_DELETE_SERVICE = 4;
  private static final int METHODID_COMMIT = 5;
  private static final int METHODID_ROLLBACK = 6;
  private static final int METHODID_LIST_VERSIONS = 7;
  private static final int METHODID_GET_VERSION = 8;
  private static final int METHODID_DIFF = 9;
  private static final int METHODID_GET_SCOPE = 10;
  private static final int METHODID_LIST_NAMESPACES = 11;
  private static final int METHODID_WATCH_HEADS = 12;
  private static final int METHODID_SEARCH = 13;
  private static final int METHODID_PUT_SCHEMA = 14;
  private static final int METHODID_GET_SCHEMA = 15;
  private static final int METHODID_DELETE_SCHEMA = 16;

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
        case METHODID_COMMIT:
          serviceImpl.commit((io.github.configservice.admin.v1.CommitRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.CommitResponse>) responseObserver);
          break;
        case METHODID_ROLLBACK:
          serviceImpl.rollback((io.github.configservice.admin.v1.RollbackRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.RollbackResponse>) responseObserver);
          break;
        case METHODID_LIST_VERSIONS:
          serviceImpl.listVersions((io.github.configservice.admin.v1.ListVersionsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListVersionsResponse>) responseObserver);
          break;
        case METHODID_GET_VERSION:
          serviceImpl.getVersion((io.github.configservice.admin.v1.GetVersionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetVersionResponse>) responseObserver);
          break;
        case METHODID_DIFF:
          serviceImpl.diff((io.github.configservice.admin.v1.DiffRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DiffResponse>) responseObserver);
          break;
        case METHODID_GET_SCOPE:
          serviceImpl.getScope((io.github.configservice.admin.v1.GetScopeRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetScopeResponse>) responseObserver);
          break;
        case METHODID_LIST_NAMESPACES:
          serviceImpl.listNamespaces((io.github.configservice.admin.v1.ListNamespacesRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.ListNamespacesResponse>) responseObserver);
          break;
        case METHODID_WATCH_HEADS:
          serviceImpl.watchHeads((io.github.configservice.admin.v1.WatchHeadsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.WatchHeadsResponse>) responseObserver);
          break;
        case METHODID_SEARCH:
          serviceImpl.search((io.github.configservice.admin.v1.SearchRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.SearchResponse>) responseObserver);
          break;
        case METHODID_PUT_SCHEMA:
          serviceImpl.putSchema((io.github.configservice.admin.v1.PutSchemaRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.PutSchemaResponse>) responseObserver);
          break;
        case METHODID_GET_SCHEMA:
          serviceImpl.getSchema((io.github.configservice.admin.v1.GetSchemaRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.GetSchemaResponse>) responseObserver);
          break;
        case METHODID_DELETE_SCHEMA:
          serviceImpl.deleteSchema((io.github.configservice.admin.v1.DeleteSchemaRequest) request,
              (io.grpc.stub.StreamObserver<io.github.configservice.admin.v1.DeleteSchemaResponse>) responseObserver);
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
        .addMethod(
          getCommitMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.CommitRequest,
              io.github.configservice.admin.v1.CommitResponse>(
                service, METHODID_COMMIT)))
        .addMethod(
          getRollbackMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.RollbackRequest,
              io.github.configservice.admin.v1.RollbackResponse>(
                service, METHODID_ROLLBACK)))
        .addMethod(
          getListVersionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.ListVersionsRequest,
              io.github.configservice.admin.v1.ListVersionsResponse>(
                service, METHODID_LIST_VERSIONS)))
        .addMethod(
          getGetVersionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.GetVersionRequest,
              io.github.configservice.admin.v1.GetVersionResponse>(
                service, METHODID_GET_VERSION)))
        .addMethod(
          getDiffMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.DiffRequest,
              io.github.configservice.admin.v1.DiffResponse>(
                service, METHODID_DIFF)))
        .addMethod(
          getGetScopeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.GetScopeRequest,
              io.github.configservice.admin.v1.GetScopeResponse>(
                service, METHODID_GET_SCOPE)))
        .addMethod(
          getListNamespacesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.ListNamespacesRequest,
              io.github.configservice.admin.v1.ListNamespacesResponse>(
                service, METHODID_LIST_NAMESPACES)))
        .addMethod(
          getWatchHeadsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.WatchHeadsRequest,
              io.github.configservice.admin.v1.WatchHeadsResponse>(
                service, METHODID_WATCH_HEADS)))
        .addMethod(
          getSearchMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.SearchRequest,
              io.github.configservice.admin.v1.SearchResponse>(
                service, METHODID_SEARCH)))
        .addMethod(
          getPutSchemaMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.PutSchemaRequest,
              io.github.configservice.admin.v1.PutSchemaResponse>(
                service, METHODID_PUT_SCHEMA)))
        .addMethod(
          getGetSchemaMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.GetSchemaRequest,
              io.github.configservice.admin.v1.GetSchemaResponse>(
                service, METHODID_GET_SCHEMA)))
        .addMethod(
          getDeleteSchemaMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.configservice.admin.v1.DeleteSchemaRequest,
              io.github.configservice.admin.v1.DeleteSchemaResponse>(
                service, METHODID_DELETE_SCHEMA)))
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
              .addMethod(getCommitMethod())
              .addMethod(getRollbackMethod())
              .addMethod(getListVersionsMethod())
              .addMethod(getGetVersionMethod())
              .addMethod(getDiffMethod())
              .addMethod(getGetScopeMethod())
              .addMethod(getListNamespacesMethod())
              .addMethod(getWatchHeadsMethod())
              .addMethod(getSearchMethod())
              .addMethod(getPutSchemaMethod())
              .addMethod(getGetSchemaMethod())
              .addMethod(getDeleteSchemaMethod())
              .build();
        }
      }
    }
    return result;
  }
}
