package inspect

import (
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
)

// files says what is wrong with the files that the sidecar reads and writes.
func (p pod) files() {
	_, token := p.get("AUTH_TOKEN_FILE")
	if _, certificate := p.get("ETCD_CERT_FILE"); !token && !certificate {
		p.wrong(p.sidecar, "mount the Secret with its token, and set AUTH_TOKEN_FILE", "it has no credential for etcd: neither AUTH_TOKEN_FILE nor ETCD_CERT_FILE is set")
	}
	for _, variable := range []string{"AUTH_TOKEN_FILE", "ETCD_CA_FILE", "ETCD_CERT_FILE", "ETCD_KEY_FILE", "CONFIG_CACHE_DIR"} {
		s, ok := p.set[variable]
		if !ok || !s.known || s.value == "" {
			continue
		}
		mount := p.mountOf(s.value)
		if mount == nil {
			p.wrong(s.at, "a volumeMount of the container that holds it", "%s is %q, where nothing is mounted", variable, s.value)
			continue
		}
		if variable == "CONFIG_CACHE_DIR" && workload.Text(mount, "readOnly") == "true" {
			p.wrong(entry(mount, "readOnly"), "mount it without readOnly", "%s is %q, where nothing can be written", variable, s.value)
		}
		if workload.Text(mount, "subPath")+workload.Text(mount, "subPathExpr") != "" && variable != "CONFIG_CACHE_DIR" {
			p.wrong(mount, "mount the whole volume, without subPath", "%s is %q, which a new content never reaches by a subPath", variable, s.value)
		}
		p.volume(variable, s, mount)
	}
}

// mountOf is what is mounted where a path is.
func (p pod) mountOf(file string) *yaml.Node {
	var found *yaml.Node
	for _, m := range workload.Entries(p.sidecar, "volumeMounts") {
		at := path.Clean(workload.Text(m, "mountPath"))
		if file == at || strings.HasPrefix(file, strings.TrimSuffix(at, "/")+"/") {
			if found == nil || len(at) > len(workload.Text(found, "mountPath")) {
				found = m
			}
		}
	}
	return found
}

// volume looks at the volume that a file comes from.
func (p pod) volume(variable string, s setting, mount *yaml.Node) {
	name := workload.Text(mount, "name")
	var volume *yaml.Node
	for _, v := range workload.Entries(p.Spec, "volumes") {
		if workload.Text(v, "name") == name {
			volume = v
		}
	}
	if volume == nil {
		if p.Kind != "StatefulSet" { // whose claims are volumes too
			p.wrong(mount, "add the volume to the pod", "the volume %s of %s is not there", name, variable)
		}
		return
	}
	if secret := workload.Value(volume, "secret"); secret != nil && variable != "CONFIG_CACHE_DIR" {
		p.secret(variable, s, mount, secret)
	}
	if variable == "AUTH_TOKEN_FILE" {
		p.alone(name)
	}
}

// secret says why a file of a Secret is not there, or cannot be read.
func (p pod) secret(variable string, s setting, mount, secret *yaml.Node) {
	items := workload.Entries(secret, "items")
	below := strings.TrimPrefix(strings.TrimPrefix(s.value, path.Clean(workload.Text(mount, "mountPath"))), "/")
	has := len(items) == 0
	mode := workload.Value(secret, "defaultMode")
	for _, i := range items {
		if workload.Text(i, "path") == below {
			has = true
			if own := workload.Value(i, "mode"); own != nil {
				mode = own
			}
		}
	}
	if !has {
		p.wrong(s.at, "the path of one of its items", "%s is %q, which is none of the items of the Secret (line %d)", variable, s.value, secret.Line)
	}
	if mode == nil {
		return // 0644
	}
	bits, err := strconv.ParseInt(strings.Replace(mode.Value, "0o", "0", 1), 0, 32)
	security, own := workload.Value(p.Spec, "securityContext"), workload.Value(p.sidecar, "securityContext")
	group := workload.Text(own, "runAsGroup")
	byGroup := bits&0o040 != 0 && (workload.Text(security, "fsGroup") != "" || group == "0") || workload.Text(security, "fsGroup") != ""
	switch {
	case err != nil:
	case bits&0o002 != 0:
		p.wrong(mode, "0444", "%s is of mode %s, which anybody may write: it is refused", variable, mode.Value)
	case bits&0o004 == 0 && !byGroup && workload.Text(own, "runAsUser") != "0":
		p.wrong(mode, "0444: no other container mounts it; or an fsGroup of the pod, which changes all its volumes", "%s is of mode %s, and belongs to root: the sidecar, another user, cannot read it", variable, mode.Value)
	}
}

// alone says which other containers see the token.
func (p pod) alone(volume string) {
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range workload.Entries(p.Spec, list) {
			if c == p.sidecar {
				continue
			}
			for _, m := range workload.Entries(c, "volumeMounts") {
				if workload.Text(m, "name") == volume {
					p.wrong(m, "leave it out there", "%s mounts the token too, which is the sidecar's alone", workload.Text(c, "name"))
				}
			}
		}
	}
}
