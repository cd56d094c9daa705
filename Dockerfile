# The images config-service (the default) and configctl: each one static binary on an empty base, user
# 65532, no shell. Both of Docker's builders build them, for the machine's own architecture:
#
#   docker build --target config-service -t config-service .
#   docker build --target configctl -t configctl .
#
# and for another one, without emulation:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --target config-service .
#   DOCKER_BUILDKIT=0 docker build --build-arg TARGETARCH=arm64 --build-arg BASE_IMAGE=... --target config-service .
#
# The older builder lets an image say that it is for the architecture of its base image; so there that has
# to be one for arm64, such as gcr.io/distroless/static, pulled for it.
# The base images are arguments, so that a registry of one's own can stand in. BUILD_IMAGE has Go, of at
# least the version in go.mod, and CA certificates.
ARG BUILD_IMAGE=golang:1.26.8
ARG BASE_IMAGE=scratch

# The compiler runs on the machine that builds, whatever it builds for. Docker's older builder has no
# BUILDPLATFORM; there `linux` alone means its own architecture.
FROM --platform=${BUILDPLATFORM:-linux} ${BUILD_IMAGE} AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN ["go", "mod", "download"]
COPY gen gen
# What a new volume for CONFIG_CACHE_DIR starts as: for the service's user alone.
RUN ["install", "-d", "-m", "0700", "/out/cache/config-service"]

FROM source AS build-config-service
COPY deploy deploy
COPY server server
ARG TARGETARCH
ARG VERSION=dev
RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH \
    go build -trimpath -tags grpcnotrace -ldflags "-s -w -X main.version=$VERSION" -o /out/config-service ./server

FROM ${BASE_IMAGE} AS config-service
COPY --from=source /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=source --chown=65532:65532 /out/cache/ /var/cache/
COPY --from=build-config-service /out/config-service /config-service
USER 65532:65532
EXPOSE 8080 9080 9081
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/config-service", "healthcheck"]
ENTRYPOINT ["/config-service"]
CMD ["serve"]
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="config-service" \
      org.opencontainers.image.description="A service's configuration on localhost: from etcd, kept current, always there" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="https://github.com/config-service/config-service" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM source AS build-configctl
COPY deploy deploy
COPY clients clients
ARG TARGETARCH
ARG VERSION=dev
RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH \
    go build -trimpath -tags grpcnotrace -ldflags "-s -w -X main.version=$VERSION" -o /out/configctl ./clients/cli

FROM ${BASE_IMAGE} AS configctl
COPY --from=source /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build-configctl /out/configctl /configctl
USER 65532:65532
ENTRYPOINT ["/configctl"]
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="configctl" \
      org.opencontainers.image.description="The command line of config-service: reads and changes configuration" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="https://github.com/config-service/config-service" \
      org.opencontainers.image.licenses="Apache-2.0"

# What is built when no target is named.
FROM config-service
