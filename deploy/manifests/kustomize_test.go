package manifests

import (
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// kustomized is what kustomize builds of a folder.
func kustomized(t *testing.T, files filesys.FileSystem, dir string) []byte {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// overlay is a kustomization of one manifest, with the component.
func overlay(t *testing.T, manifest []byte, patch string) filesys.FileSystem {
	t.Helper()
	files := filesys.MakeFsInMemory()
	put := func(path string, text []byte) {
		if err := files.WriteFile(path, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"kustomization.yaml", "workload.yaml", "cronjob.yaml", "pod.yaml"} {
		put("/kustomize/sidecar/"+name, read(t, deployed+"/kustomize/sidecar/"+name))
	}
	put("/overlay/manifest.yaml", manifest)
	put("/overlay/kustomization.yaml", []byte("resources: [manifest.yaml]\ncomponents: [../kustomize/sidecar]\n"+patch))
	return files
}

func TestTheExampleOfKustomize(t *testing.T) {
	all := pods(objects(t, kustomized(t, filesys.MakeFsOnDisk(), deployed+"/kustomize/example")))
	payment := sidecarOf(t, all["payment-service"])
	if spec := all["payment-service"]; len(spec.InitContainers) != 2 || spec.InitContainers[1].Name != "migrate" || len(spec.Containers) != 1 {
		t.Errorf("payment-service is %+v", spec)
	}
	if e := payment.Container.Env[0]; e.Name != "ENVIRONMENT" || e.Value != "production" || e.ValueFrom != nil {
		t.Errorf("the patch of the overlay made %+v", payment.Container.Env)
	}
	if name := payment.Volumes[0].Secret.SecretName; name != "payment-config-token" {
		t.Errorf("the patch of the overlay made %s", name)
	}
	sidecarOf(t, all["payment-report"])
	if spec := all["database"]; len(spec.InitContainers) != 0 || len(spec.Volumes) != 0 {
		t.Errorf("the database, which wants none, is %+v", spec)
	}
}
