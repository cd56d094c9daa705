package deploy

import (
	"strings"
)

// Generated are the files that are made from the sources, by their path in this folder.
func Generated() (map[string]string, error) {
	plain, err := Kubernetes{Plain: true}.YAML()
	if err != nil {
		return nil, err
	}
	chart, err := helmTemplates()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"kubernetes/sidecar-plain.yaml":                      plain,
		"kustomize/sidecar/workload.yaml":                    kustomizePatch("apps/v1", "Deployment", "spec", "template", "spec"),
		"kustomize/sidecar/cronjob.yaml":                     kustomizePatch("batch/v1", "CronJob", "spec", "jobTemplate", "spec", "template", "spec"),
		"kustomize/sidecar/pod.yaml":                         kustomizePatch("v1", "Pod", "spec"),
		"helm/config-service-sidecar/templates/_sidecar.tpl": chart,
	}, nil
}

const made = "# Made from deploy/kubernetes/sidecar.yaml by `make generate-manifests`; not to be edited.\n"

// kustomizePatch is the source as a strategic merge patch.
func kustomizePatch(version, kind string, path ...string) string {
	var out strings.Builder
	out.WriteString(made + "apiVersion: " + version + "\nkind: " + kind + "\nmetadata:\n  name: any\n")
	for depth, key := range path {
		out.WriteString(strings.Repeat("  ", depth) + key + ":\n")
	}
	_, body, _ := strings.Cut(sidecarSource, listsNative)
	out.WriteString(indented(listsNative+body, 2*len(path)))
	return out.String()
}

// helmTemplates are the named templates of the chart.
func helmTemplates() (string, error) {
	const v = `$v := include "config-service.values" . | fromYaml`
	resources, err := section(sidecarSource, "    resources:\n", "    securityContext:\n")
	if err != nil {
		return "", err
	}
	filled, err := fill{
		start:       "    {{- if $v.plain }}\n" + plainStart + "    {{- else }}\n" + nativeStart + "    {{- end }}\n",
		image:       "{{ $v.image | quote }}",
		service:     helmVariable("SERVICE_NAME", "service"),
		environment: helmVariable("ENVIRONMENT", "environment"),
		endpoints:   helmVariable("ETCD_ENDPOINTS", "etcdEndpoints"),
		configMap:   "{{ $v.configMap | quote }}",
		tokenSecret: "{{ $v.tokenSecret | quote }}",
		listeners:   helmListener("CONFIG_HTTP_ADDR", "http", "8080") + helmListener("CONFIG_GRPC_ADDR", "grpc", "9080"),
		httpPort:    "{{ $v.ports.http }}",
		grpcPort:    "{{ $v.ports.grpc }}",
		opsPort:     "{{ $v.ports.ops }}",
		resources:   "    {{- if $v.resources }}\n    resources:\n      {{- toYaml $v.resources | nindent 4 }}\n    {{- else }}\n" + resources + "    {{- end }}\n",
		more:        "      {{- with $v.extraEnv }}\n      {{- toYaml . | nindent 4 }}\n      {{- end }}\n",
	}.apply(sidecarSource)
	if err != nil {
		return "", err
	}
	_, body, _ := strings.Cut(filled, listsNative)
	container, volumes, _ := strings.Cut(body, "volumes:\n")
	return helmHead +
		"{{- define \"config-service.sidecar\" -}}\n{{- " + v + " -}}\n" + dedented(container) + "{{- end }}\n\n" +
		"{{- define \"config-service.volumes\" -}}\n{{- " + v + " -}}\n" + dedented(volumes) + "{{- end }}\n", nil
}

const helmHead = `{{- /*
Made from deploy/kubernetes/sidecar.yaml by ` + "`make generate-manifests`" + `; not to be edited.

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

`

// helmVariable is the rest of a variable: a value, or what the source has.
func helmVariable(name, value string) string {
	_, after, _ := strings.Cut(sidecarSource, "      - name: "+name+"\n")
	var source strings.Builder
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "        ") {
			break
		}
		source.WriteString(line)
	}
	kept := strings.ReplaceAll(source.String(), "name: "+DefaultConfigMap+"\n", "name: {{ $v.configMap | quote }}\n")
	return "        {{- if $v." + value + " }}\n        value: {{ $v." + value + " | quote }}\n        {{- else }}\n" + kept + "        {{- end }}\n"
}

func helmListener(name, port, usual string) string {
	return "      {{- if ne (int $v.ports." + port + ") " + usual + " }}\n      - name: " + name +
		"\n        value: \"127.0.0.1:{{ $v.ports." + port + " }}\"\n      {{- end }}\n"
}

func indented(text string, by int) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.Repeat(" ", by) + line)
	}
	return out.String()
}

// dedented is a list without the two spaces before each line.
func dedented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimPrefix(line, "  "))
	}
	return out.String()
}
