package manifests

import (
	"bufio"
	"bytes"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func newReader(text []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(text)) }

// pods are the pod specs of objects, by name; those of other objects are left out.
func pods(objects []runtime.Object) map[string]*corev1.PodSpec {
	all := map[string]*corev1.PodSpec{}
	for _, object := range objects {
		switch o := object.(type) {
		case *corev1.Pod:
			all[o.Name] = &o.Spec
		case *appsv1.Deployment:
			all[o.Name] = &o.Spec.Template.Spec
		case *appsv1.StatefulSet:
			all[o.Name] = &o.Spec.Template.Spec
		case *appsv1.DaemonSet:
			all[o.Name] = &o.Spec.Template.Spec
		case *appsv1.ReplicaSet:
			all[o.Name] = &o.Spec.Template.Spec
		case *batchv1.Job:
			all[o.Name+o.GenerateName] = &o.Spec.Template.Spec
		case *batchv1.CronJob:
			all[o.Name] = &o.Spec.JobTemplate.Spec.Template.Spec
		}
	}
	return all
}

// part is the sidecar of a pod: its container and its volumes.
type part struct {
	Container corev1.Container
	Volumes   []corev1.Volume
}

// sidecarOf takes the sidecar out of a pod, where it stands first.
func sidecarOf(t *testing.T, spec *corev1.PodSpec) part {
	t.Helper()
	list := spec.InitContainers
	if len(list) == 0 || list[0].Name != "config-service" {
		list = spec.Containers
	}
	if len(list) == 0 || list[0].Name != "config-service" {
		t.Fatalf("the sidecar does not stand first: %+v", spec)
	}
	p := part{Container: list[0]}
	for _, v := range spec.Volumes {
		switch v.Name {
		case "config-service-token", "config-service-ca", "config-service-cache":
			p.Volumes = append(p.Volumes, v)
		}
	}
	return p
}
