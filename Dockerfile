# The sidecar as an image: one static binary, no shell, no root. The base images are
# arguments, so that a registry of one's own can stand in.
ARG BUILD_IMAGE=golang:1.26
ARG BASE_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY gen gen
COPY server server
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /config-service ./server

FROM ${BASE_IMAGE}
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /config-service /config-service
USER 65532:65532
EXPOSE 8080 9080 9081
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/config-service", "healthcheck"]
ENTRYPOINT ["/config-service"]
CMD ["serve"]
