package kubernetestest_test

import (
	"fmt"
	"strings"
	"testing"
)

// callersAreKnown calls the control server from pods, with the tokens that Kubernetes puts
// into them: the deployer may write, a service reads its own, and a service account of
// another namespace and a token for somebody else do not get in.
func callersAreKnown(t *testing.T, k *kube) {
	for _, namespace := range []string{k.apps, k.other} {
		k.apply(t, namespace, object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": object{"name": service}}, k.caller(service, "config-service"))
		k.must(t, namespace, "wait", "--for=condition=Ready", "pod/"+service, "--timeout=5m")
	}
	own := []string{"get", "database.pool_size", "--namespace", service, "--environment", k.apps}
	for _, test := range []struct {
		name, namespace, pod string
		args                 []string
		want, refusal        string
	}{
		{"the deployer", k.platform, "deployer", []string{"whoami"}, "user:deployer", ""},
		{"the deployer reads", k.platform, "deployer", own, "20", ""},
		{"the service", k.apps, service, []string{"whoami"}, "service:" + service + "/" + k.apps, ""},
		{"the service reads its own", k.apps, service, own, "20", ""},
		{"the service writes", k.apps, service,
			[]string{"set", "a=1", "--namespace", service, "--environment", k.apps, "--message", "x", "--yes"}, "", "PERMISSION_DENIED"},
		{"a namesake in another namespace", k.other, service, []string{"whoami"}, "service:" + service + "/" + k.other, ""},
		{"a namesake in another namespace reads", k.other, service, own, "", "PERMISSION_DENIED"},
		{"a token for somebody else", k.apps, service, append([]string{"--token-file", "/tokens/somebody-else"}, own...), "", "UNAUTHENTICATED"},
		{"no token", k.apps, service, append([]string{"--token-file", "/dev/null"}, own...), "", "token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			until(t, "it is answered as it should be", func() string {
				out, err := k.ask(t, test.namespace, append([]string{"exec", test.pod, "--", "/configctl"}, test.args...)...)
				switch {
				case test.refusal == "" && err == nil && strings.Contains(out, test.want):
					return ""
				case test.refusal != "" && err == nil:
					t.Fatalf("it is answered: %s", out)
				case test.refusal != "" && strings.Contains(err.Error(), test.refusal):
					return ""
				}
				return fmt.Sprintf("%s %v", out, err)
			})
		})
	}
}
