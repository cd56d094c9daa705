{{- /*
Made from deploy/kubernetes/sidecar.yaml by `make generate-manifests`; not to be edited.

config-service.sidecar  an entry of initContainers; with plain: true the first of containers
config-service.volumes  entries of volumes
config-service.env      entries of env for the application's containers: where the sidecar is
*/ -}}
{{- define "config-service.values" -}}
{{- $v := index .Values "config-service-sidecar" -}}
{{- if not $v -}}
{{- fail "config-service-sidecar is no dependency of this chart, or has an alias: its values are those below config-service-sidecar" -}}
{{- end -}}
{{- toYaml $v -}}
{{- end }}

{{- define "config-service.env" -}}
{{- $v := include "config-service.values" . | fromYaml -}}
- name: CONFIG_SERVICE_URL
  value: "http://localhost:{{ $v.ports.http }}"
- name: CONFIG_SERVICE_ADDR
  value: "localhost:{{ $v.ports.grpc }}"
{{- end }}

{{- define "config-service.sidecar" -}}
{{- $v := include "config-service.values" . | fromYaml -}}
- name: config-service
  image: {{ $v.image | quote }}
  {{- if $v.plain }}
  # Containers are started in their order, each when the one before has run this.
  lifecycle:
    postStart:
      exec:
        command: ["/config-service", "healthcheck", "--wait", "40s"]
  {{- else }}
  # With this an init container is a sidecar: it starts before the application, is
  # restarted on its own, stops after it, and does not keep a Job from ending. Of
  # several init containers, those that want configuration stand behind it.
  restartPolicy: Always
  {{- end }}
  env:
    # The name of the service, of the pod's label: 1 to 63 of a-z, 0-9 and '-'.
    - name: SERVICE_NAME
      {{- if $v.service }}
      value: {{ $v.service | quote }}
      {{- else }}
      valueFrom:
        fieldRef:
          fieldPath: metadata.labels['app.kubernetes.io/name']
      {{- end }}
    # Where this is: the platform says it, as it says where etcd is. The name of the
    # Kubernetes namespace would be a guess, and a wrong guess is another environment's
    # configuration. A value here goes before that of the ConfigMap.
    - name: ENVIRONMENT
      {{- if $v.environment }}
      value: {{ $v.environment | quote }}
      {{- else }}
      valueFrom:
        configMapKeyRef:
          name: {{ $v.configMap | quote }}
          key: environment
      {{- end }}
    - name: ETCD_ENDPOINTS
      {{- if $v.etcdEndpoints }}
      value: {{ $v.etcdEndpoints | quote }}
      {{- else }}
      valueFrom:
        configMapKeyRef:
          name: {{ $v.configMap | quote }}
          key: etcd-endpoints
      {{- end }}
    - name: ETCD_CA_FILE
      value: /etc/config-service/ca/ca.crt
    - name: AUTH_TOKEN_FILE
      value: /etc/config-service/token/token
    - name: CONFIG_CACHE_DIR
      value: /var/cache/config-service
    {{- if ne (int $v.ports.http) 8080 }}
    - name: CONFIG_HTTP_ADDR
      value: "127.0.0.1:{{ $v.ports.http }}"
    {{- end }}
    {{- if ne (int $v.ports.grpc) 9080 }}
    - name: CONFIG_GRPC_ADDR
      value: "127.0.0.1:{{ $v.ports.grpc }}"
    {{- end }}
    # REST ({{ $v.ports.http }}) and gRPC ({{ $v.ports.grpc }}) listen on loopback, which the containers of a pod
    # share; metrics and health are asked for from outside of it, and hold no value.
    - name: CONFIG_OPS_ADDR
      value: ":{{ $v.ports.ops }}"
    # Nine tenths of the memory limit below.
    - name: GOMEMLIMIT
      value: 115MiB
    {{- with $v.extraEnv }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - name: config-ops
      containerPort: {{ $v.ports.ops }}
      protocol: TCP
  # The application starts when this passes: as soon as there is configuration, from etcd
  # or from the cache; without any, 30 s (CONFIG_START_WAIT) after the sidecar's start, so
  # that an outage of etcd stops no rollout. It has to allow for more than that.
  startupProbe:
    httpGet:
      path: /readyz
      port: config-ops
    periodSeconds: 1
    timeoutSeconds: 2
    failureThreshold: 60
  # The process turns. It says nothing of etcd: a restart would not bring that back.
  livenessProbe:
    httpGet:
      path: /healthz
      port: config-ops
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  # There is no readiness probe, on purpose. A sidecar's readiness is its pod's: whatever
  # made it fail would take an application out of service that has all its values.
  #
  # An idle sidecar with 1,000 keys takes less than 30 MiB. A limit of CPU would throttle
  # it when many values change at once, and when it starts.
  {{- if $v.resources }}
  resources:
    {{- toYaml $v.resources | nindent 4 }}
  {{- else }}
  resources:
    requests:
      cpu: 10m
      memory: 48Mi
    limits:
      memory: 128Mi
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    readOnlyRootFilesystem: true
    allowPrivilegeEscalation: false
    capabilities:
      drop:
        - ALL
    seccompProfile:
      type: RuntimeDefault
  volumeMounts:
    - name: config-service-token
      mountPath: /etc/config-service/token
      readOnly: true
    - name: config-service-ca
      mountPath: /etc/config-service/ca
      readOnly: true
    - name: config-service-cache
      mountPath: /var/cache/config-service
{{- end }}

{{- define "config-service.volumes" -}}
{{- $v := include "config-service.values" . | fromYaml -}}
# The files of a Secret belong to root. A stricter mode would need an fsGroup, which
# changes all volumes of the pod, or group 0 for the sidecar; no other container mounts
# this one, so that nobody else can read it. A new token is taken up where it is.
- name: config-service-token
  secret:
    secretName: {{ $v.tokenSecret | quote }}
    defaultMode: 0444
    items:
      - key: token
        path: token
- name: config-service-ca
  configMap:
    name: {{ $v.configMap | quote }}
    items:
      - key: ca.crt
        path: ca.crt
# The last known good configuration, for a sidecar that is restarted while etcd is away.
# It lives as long as the pod, on the node's disk: memory would count against the limit.
# It holds two generations, of 3 MiB at most each.
- name: config-service-cache
  emptyDir:
    sizeLimit: 32Mi
{{- end }}
