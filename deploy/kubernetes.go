package deploy

import (
	"fmt"
	"strconv"
	"strings"
)

// Kubernetes is a sidecar for a pod. An empty field means what the source has: the name
// of the service from the pod's label, environment and endpoints from the ConfigMap.
type Kubernetes struct {
	Image         string
	Service       string
	Environment   string
	EtcdEndpoints string // client URLs, separated by commas
	ConfigMap     string
	TokenSecret   string
	HTTPPort      int
	GRPCPort      int
	OpsPort       int
	Plain         bool // an ordinary container, for Kubernetes before 1.29
}

// Check says which field cannot be used, by the flag of configctl, or nil.
func (k Kubernetes) Check() error {
	for _, c := range []struct {
		flag, value string
		check       func(string) error
	}{
		{"image", k.Image, CheckImage},
		{"service", k.Service, CheckName},
		{"environment", k.Environment, CheckName},
		{"etcd-endpoints", k.EtcdEndpoints, CheckEndpoints},
		{"config-map", k.ConfigMap, CheckObjectName},
		{"token-secret", k.TokenSecret, CheckObjectName},
	} {
		if c.value == "" {
			continue
		}
		if err := c.check(c.value); err != nil {
			return fmt.Errorf("--%s %w", c.flag, err)
		}
	}
	return nil
}

// YAML is the part of a pod's spec: the container, in the list where it belongs, and the
// volumes.
func (k Kubernetes) YAML() (string, error) {
	if err := k.Check(); err != nil {
		return "", err
	}
	f := fill{
		image:       orKeep(k.Image, DefaultImage),
		service:     literal(k.Service),
		environment: literal(k.Environment),
		endpoints:   literal(k.EtcdEndpoints),
		configMap:   orKeep(k.ConfigMap, DefaultConfigMap),
		tokenSecret: orKeep(k.TokenSecret, DefaultTokenSecret),
		opsPort:     strconv.Itoa(orPort(k.OpsPort, DefaultOpsPort)),
	}
	http, grpc := orPort(k.HTTPPort, DefaultHTTPPort), orPort(k.GRPCPort, DefaultGRPCPort)
	f.listeners = listener("CONFIG_HTTP_ADDR", http, DefaultHTTPPort) + listener("CONFIG_GRPC_ADDR", grpc, DefaultGRPCPort)
	f.httpPort, f.grpcPort = strconv.Itoa(http), strconv.Itoa(grpc)
	if k.Plain {
		f.head, f.start = plainHead, plainStart
	}
	return f.apply(sidecarSource)
}

func orKeep(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func orPort(port, otherwise int) int {
	if port == 0 {
		return otherwise
	}
	return port
}

// literal is the rest of an environment variable that has a value; "" of one that stays as
// the source has it.
func literal(value string) string {
	if value == "" {
		return ""
	}
	return "        value: " + strconv.Quote(value) + "\n"
}

// listener is the variable of a listener on another port than the usual one.
func listener(name string, port, usual int) string {
	if port == usual {
		return ""
	}
	return fmt.Sprintf("      - name: %s\n        value: \"127.0.0.1:%d\"\n", name, port)
}

// fill is what goes into the source, as text: a value, or an expression of a template.
type fill struct {
	head                            string // "": the native sidecar's
	start                           string // instead of restartPolicy, with its comment; "": that
	image                           string
	service, environment, endpoints string // lines of a variable below its name; "": the source's
	configMap, tokenSecret          string
	listeners                       string // lines of variables
	httpPort, grpcPort, opsPort     string
	resources                       string // lines instead of the source's; "": those
	more                            string // lines of variables behind all others
}

const (
	nativeStart = `    # With this an init container is a sidecar: it starts before the application, is
    # restarted on its own, stops after it, and does not keep a Job from ending. Of
    # several init containers, those that want configuration stand behind it.
    restartPolicy: Always
`
	plainStart = `    # Containers are started in their order, each when the one before has run this.
    lifecycle:
      postStart:
        exec:
          command: ["/config-service", "healthcheck", "--wait", "40s"]
`
	plainHead = `# The sidecar as an ordinary container, for Kubernetes before 1.29: the same container as in
# sidecar.yaml, where it says what it needs. Made from that file; see there for all comments
# that are not about the difference.
#
# What an ordinary container cannot do:
#   - Hold the application back. It stands first in the list of containers, and the kubelet
#     starts the next one when its postStart is through; no rule of Kubernetes promises that.
#   - End after the application. Both are told to stop at the same time, and the sidecar is
#     gone within 5 s: an application that works on for longer keeps the values that its
#     client has in memory, and a read without a client fails.
#   - Let a Job end. It goes on, so the pod of a Job is never done: not for Jobs and CronJobs.
#   - Be restarted on its own under a restartPolicy of the pod other than Always.
# As the first container it is what kubectl logs and exec take by default; the annotation
# kubectl.kubernetes.io/default-container of the pod names the application instead.
`
	foundUsually = "# of the application: it finds its configuration at http://localhost:8080 and localhost:9080.\n"
	listsPlain   = "containers:\n"
	listsNative  = "initContainers:\n"
)

// apply fills the source in. Each place must be in the source once; that it is, the tests
// show.
func (f fill) apply(source string) (string, error) {
	t := edit{text: source}
	if f.head != "" {
		head, _, _ := strings.Cut(source, listsNative)
		t.replace(head+listsNative, f.head+listsPlain)
	}
	if f.start != "" {
		t.replace(nativeStart, f.start)
	}
	if f.httpPort != strconv.Itoa(DefaultHTTPPort) || f.grpcPort != strconv.Itoa(DefaultGRPCPort) {
		t.all(foundUsually, "# of the application but CONFIG_SERVICE_URL=http://localhost:"+f.httpPort+" and\n# CONFIG_SERVICE_ADDR=localhost:"+f.grpcPort+" in its environment.\n")
	}
	t.replace("image: "+DefaultImage, "image: "+f.image)
	t.variable("SERVICE_NAME", f.service)
	t.variable("ENVIRONMENT", f.environment)
	t.variable("ETCD_ENDPOINTS", f.endpoints)
	t.all("            name: "+DefaultConfigMap+"\n            key: ", "            name: "+f.configMap+"\n            key: ")
	t.replace("    configMap:\n      name: "+DefaultConfigMap+"\n", "    configMap:\n      name: "+f.configMap+"\n")
	t.replace("secretName: "+DefaultTokenSecret, "secretName: "+f.tokenSecret)
	t.replace("      # REST (8080) and gRPC (9080) listen", f.listeners+"      # REST ("+f.httpPort+") and gRPC ("+f.grpcPort+") listen")
	t.replace(`value: ":9081"`, `value: ":`+f.opsPort+`"`)
	t.replace("containerPort: 9081", "containerPort: "+f.opsPort)
	if f.resources != "" {
		resources, err := section(t.text, "    resources:\n", "    securityContext:\n")
		if err != nil {
			return "", err
		}
		t.replace(resources, f.resources)
	}
	t.replace("    ports:\n", f.more+"    ports:\n")
	return t.text, t.err
}

// edit is a text that is changed at places that it must have.
type edit struct {
	text string
	err  error
}

// replace changes the one place.
func (e *edit) replace(old, with string) {
	if n := strings.Count(e.text, old); n != 1 && e.err == nil {
		e.err = fmt.Errorf("the source has %q %d times", old, n)
	}
	e.text = strings.ReplaceAll(e.text, old, with)
}

// all changes every place there is.
func (e *edit) all(old, with string) { e.text = strings.ReplaceAll(e.text, old, with) }

// variable gives an environment variable another rest.
func (e *edit) variable(name, rest string) {
	if rest == "" {
		return
	}
	begin := "      - name: " + name + "\n"
	from := strings.Index(e.text, begin)
	if from < 0 {
		e.err = fmt.Errorf("the source has no variable %s", name)
		return
	}
	from += len(begin)
	to := from
	for line := range strings.Lines(e.text[from:]) {
		if !strings.HasPrefix(line, "        ") {
			break
		}
		to += len(line)
	}
	e.text = e.text[:from] + rest + e.text[to:]
}

// section is the part of a text from one line to before another.
func section(text, from, to string) (string, error) {
	a, b := strings.Index(text, from), strings.Index(text, to)
	if a < 0 || b < a {
		return "", fmt.Errorf("the source has no %q before %q", from, to)
	}
	return text[a:b], nil
}
