# The front door: `make` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD := .build
BUF := .tools/node_modules/.bin/buf
VENV := .tools/venv/bin
GOTOOL := go tool -modfile=.tools/go.mod
SERVICES := $(addprefix proto/configservice/,v1/config_service.proto v1/access_service.proto admin/v1/config_admin_service.proto)
PROTOS := $(SERVICES) proto/configservice/v1/error_reason.proto $(addprefix proto/configservice/admin/v1/,schemas.proto versions.proto)
PYTHON_CODE := clients/python clients/python/examples/stub deploy/demo

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## ---- run ----

.PHONY: run demo build image
run: $(BUILD)/config-service-dev ## Run the sidecar on an embedded etcd with demo data
	@exec $<

demo: ## Run everything: the sidecar, and an app that shows its live values on localhost:3000
	@deploy/demo/run

build: ## Build config-service and configctl into .build/
	CGO_ENABLED=0 go build -trimpath -tags grpcnotrace -ldflags '-s -w -X main.version=$(VERSION)' -o $(BUILD)/config-service ./server
	CGO_ENABLED=0 go build -trimpath -tags grpcnotrace -ldflags '-s -w -X main.version=$(VERSION)' -o $(BUILD)/configctl ./clients/cli

# For this machine's architecture; the Dockerfile says how for others.
image: REVISION := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
image: ## Build the container images config-service and configctl (needs docker)
	@.tools/with docker "container images" true
	@for name in config-service configctl; do \
		docker build $(IMAGEFLAGS) --target $$name --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) -t $$name:$(VERSION) . || exit; \
		docker image inspect -f "$$name:$(VERSION): {{.Size}} bytes" $$name:$(VERSION); done

## ---- release ----

.PHONY: release images packages vulncheck
release: ## Build the files of a release into .build/release; VERSION=v1.2.3
	@.tools/release/check '$(VERSION)'
	@.tools/release/build '$(VERSION)' $(BUILD)/release
	@ls -l $(BUILD)/release

# For both architectures at once, which needs no emulation. Without --push they stay in the
# builder: it shows that they can be made.
IMAGES ?= localhost
IMAGESFLAGS ?=
images: ## Build the images for amd64 and arm64 (docker buildx); IMAGES=REGISTRY/PATH IMAGESFLAGS=--push
	@.tools/with docker "container images for two architectures" true
	@for name in config-service configctl; do \
		docker buildx build --platform linux/amd64,linux/arm64 --target $$name $(IMAGESFLAGS) \
			--build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) -t $(IMAGES)/$$name:$(VERSION:v%=%) . || exit; done

# The versions are those of the packages' own files.
packages: stub-typescript stub-java ## Build the packages of the clients into .build/packages
	@rm -rf $(BUILD)/packages && mkdir -p $(BUILD)/packages
	@.tools/with python3 "package for Python" python3 -m pip wheel -q --disable-pip-version-check --no-deps -w $(BUILD)/packages ./clients/python
	@cp $(BUILD)/typescript/*.tgz $(BUILD)/packages/
	@cp -r $(BUILD)/java/repository $(BUILD)/packages/maven
	@ls $(BUILD)/packages

vulncheck: ## Look for known vulnerabilities in what the programs use (needs the network)
	@.tools/release/vulncheck

## ---- test ----

.PHONY: test test-go test-clients test-python test-browser test-manifests test-monitoring test-deploy test-kubernetes
.PHONY: lint lint-proto lint-go lint-python lint-docker lint-workflows check-generated soak bench bench-python capacity fuzz test-fuzz
test: lint check-generated test-go test-clients test-fuzz test-python test-browser test-manifests test-monitoring test-deploy ## Install what is needed and run every test
	@echo "all tests passed"

# The Watch campaigns of server/internal/robust wait more than they work. The time is that
# of a machine that is slow and loaded.
test-go: stubs systemd ## Run the Go tests, with the race detector
	@$(GOTOOL) grpcurl -version >/dev/null 2>&1 # builds it, which takes longer than a test waits
	go test -race -parallel 6 -timeout 40m $$(go list ./... | grep -v -e /clients/conformance$$ -e /deploy/dockertest$$)

# In its folder, or go would keep the table to itself.
test-clients: ## Play the conformance scenarios with every client, and print the table
	cd clients/conformance && go test -count=1 -timeout 30m

# So many inputs and not so many seconds: what is tried does not depend on the machine. Our
# packages alone are guided by coverage: with the others this builds for minutes.
test-fuzz: ## Fuzz each parser with some thousand inputs
	@.tools/fuzz 5000x -gcflags=github.com/config-service/config-service/...=-d=libfuzzer

test-python: $(BUILD)/python/.stamp $(BUILD)/python/.stamp-uwsgi $(BUILD)/config-service-dev ## Run the tests of the Python client
	@.tools/with python3 "tests of the Python client" env -C clients/python CONFIG_SERVICE_DEV_BINARY=$(CURDIR)/$(BUILD)/config-service-dev $(CURDIR)/$(BUILD)/python/bin/python -m pytest -q tests

test-browser: $(BUILD)/python/.stamp $(BUILD)/config-service-dev browser ## Look at the demo in a real browser
	@.tools/with python3 "tests in a browser" env CONFIG_SERVICE_DEV_BINARY=$(CURDIR)/$(BUILD)/config-service-dev $(BUILD)/python/bin/python -m pytest -q deploy/demo

# In its folder: it is a module of its own, with Kubernetes, Kustomize and Helm. What it reads lies
# outside of that, so that go would keep an old result.
test-manifests: ## Hold the manifests and charts against Kubernetes' types, Kustomize and Helm
	cd deploy/manifests && go vet . && go test -count=1 -timeout 30m .

# Docker Compose and etcd are built from their source, once. The engine comes with the system; in
# CI it is installed and started. Compiling for the images goes to a cache of its own, so that
# what stands for their base image is small. What was built in the engine is removed in the end, unless
# DEPLOY_TEST_KEEP=1: a few GB, with which the next run starts sooner.
DOCKERTEST := $(BUILD)/dockertest
test-deploy: docker ## Run the images and the Compose files in a container engine
	@if [ "$${CI:-}" != true ] && command -v docker >/dev/null && ! docker info >/dev/null 2>&1; then echo "SKIP: images and Compose files: no Docker engine answers" >&2; \
		else .tools/with docker "images and Compose files" $(MAKE) test-deploy-here; fi

.PHONY: test-deploy-here
test-deploy-here: $(BUILD)/compose/.stamp $(BUILD)/etcd/.stamp
	@mkdir -p $(DOCKERTEST)
	@GOCACHE=$(CURDIR)/$(DOCKERTEST)/gocache CGO_ENABLED=0 go build -trimpath -tags grpcnotrace -ldflags '-s -w' -o $(DOCKERTEST)/ ./server ./clients/cli
	@GOCACHE=$(CURDIR)/$(DOCKERTEST)/gocache CGO_ENABLED=0 GOARCH=arm64 go build -trimpath -tags grpcnotrace -ldflags '-s -w' -o $(DOCKERTEST)/arm64 ./server
	DEPLOY_TEST_BUILD=$(CURDIR)/$(BUILD) go test -count=1 -parallel 6 -timeout 30m $(DEPLOYFLAGS) ./deploy/dockertest

$(BUILD)/compose/.stamp: .tools/compose/go.mod
	@[ -e $(@D)/docker-compose ] || echo "building Docker Compose; the first time takes minutes"
	@cd .tools/compose && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(CURDIR)/$(@D)/docker-compose github.com/docker/compose/v2/cmd
	@touch $@

$(BUILD)/etcd/.stamp: .tools/etcd/go.mod
	@cd .tools/etcd && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(CURDIR)/$(@D)/ go.etcd.io/etcd/server/v3 go.etcd.io/etcd/etcdctl/v3
	@touch $@

.PHONY: systemd
systemd:
	@if [ "$${CI:-}" = true ] && ! command -v systemd-analyze >/dev/null; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq systemd >/dev/null; fi

.PHONY: docker
docker:
	@if [ "$${CI:-}" = true ] && ! docker info >/dev/null 2>&1; then .ci/docker; fi

# A module of its own, with Prometheus in it.
test-monitoring: ## Test alerts, dashboard and scrape examples against real servers
	cd deploy/monitoring && go vet . && go test -timeout 20m .

lint: lint-proto lint-go lint-python lint-docker lint-workflows ## Run the linters

lint-workflows:
	go tool -modfile=.tools/release/go.mod actionlint -shellcheck= -pyflakes= .github/workflows/*.yml

lint-proto: .tools/.stamp-node
	@.tools/with npm "buf lint" $(BUF) lint
	@.tools/with npm "buf format" $(BUF) format -d --exit-code proto
	@.tools/with npm "buf breaking" $(BUF) breaking proto --against proto/baseline.binpb

lint-go:
	@unformatted=$$(gofmt -l server clients deploy gen/gen.go); if [ -n "$$unformatted" ]; then echo "not gofmt-ed: $$unformatted"; exit 1; fi
	go vet ./...
	$(GOTOOL) staticcheck ./server/... ./clients/... ./deploy/... ./gen

lint-python: MYPY := $(CURDIR)/$(VENV)/mypy --strict --python-executable $(CURDIR)/$(BUILD)/python/bin/python
lint-python: .tools/.stamp-python $(BUILD)/python/.stamp
	@.tools/with python3 "ruff" $(VENV)/ruff check $(PYTHON_CODE)
	@.tools/with python3 "ruff format" $(VENV)/ruff format --check $(PYTHON_CODE)
	@.tools/with python3 "mypy" env -C clients/python $(MYPY) src tests conformance bench.py
	@.tools/with python3 "mypy" env -C clients/python/examples/django MYPYPATH=$(CURDIR)/clients/python/src $(MYPY) shop manage.py
	@.tools/with python3 "mypy" env -C clients/python/examples/fastapi MYPYPATH=$(CURDIR)/clients/python/src $(MYPY) main.py
	@.tools/with python3 "mypy" env MYPYPATH=clients/python/src $(VENV)/mypy --strict deploy/demo/app.py deploy/demo/seed.py

lint-docker: .tools/.stamp-python
	@.tools/with python3 "hadolint" $(VENV)/hadolint Dockerfile deploy/demo/Dockerfile

soak: ## Run the fault campaigns in full (an hour) and print what they measure; again with SEED=
	SOAK=1 WATCH_SEEDS=$${WATCH_SEEDS:-500} go test -count=1 -parallel 6 -timeout 2h -v $(SOAKFLAGS) ./server/internal/robust ./server/internal/isolation

# Everything that it runs is built here, into images from scratch: nothing is pulled.
# KUBERNETES_LOAD is called with their names, and brings them to the cluster's nodes; for a
# registry, KUBERNETES_IMAGES is its address and KUBERNETES_LOAD='xargs -n1 docker push <<<'.
KUBERNETES_LOAD ?= kind load docker-image
KUBERNETES_IMAGES ?= config-service-test/
test-kubernetes: ## Test deploy/kubernetes on the cluster of KUBECONFIG; KUBERNETES_LOAD takes it the images
	@if [ -z "$${KUBECONFIG:-}" ]; then echo "SKIP: tests on Kubernetes: KUBECONFIG is not set" >&2; [ "$${CI:-}" != true ]; exit; fi; \
		for tool in docker kubectl openssl; do command -v $$tool >/dev/null || { .tools/with $$tool "tests on Kubernetes" true; exit; }; done; \
		$(MAKE) kubernetes-images && \
		KUBERNETES_TEST=1 KUBERNETES_IMAGES=$(KUBERNETES_IMAGES) go test -count=1 -v -timeout 60m $(KUBERNETESFLAGS) ./deploy/kubernetestest

.PHONY: test-kubernetes kubernetes-images
kubernetes-images: OUT := $(CURDIR)/$(BUILD)/kubernetes
kubernetes-images:
	@mkdir -p $(OUT)
	CGO_ENABLED=0 GOOS=linux go build -trimpath -tags grpcnotrace -ldflags '-s -w -X main.version=$(VERSION)' -o $(OUT)/config-service ./server
	CGO_ENABLED=0 GOOS=linux go build -trimpath -tags grpcnotrace -ldflags '-s -w -X main.version=$(VERSION)' -o $(OUT)/configctl ./clients/cli
	CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags '-s -w' -o $(OUT)/app ./deploy/kubernetestest/app
	cd .tools/etcd && CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags '-s -w' -o $(OUT)/etcd go.etcd.io/etcd/server/v3
	cd .tools/etcd && CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags '-s -w' -o $(OUT)/etcdctl go.etcd.io/etcd/etcdctl/v3
	@for image in config-service app etcd; do \
		docker build -q --target $$image -t $(KUBERNETES_IMAGES)$$image:test -f deploy/kubernetestest/Dockerfile $(OUT) >/dev/null || exit; done
	$(KUBERNETES_LOAD) $(foreach image,config-service app etcd,$(KUBERNETES_IMAGES)$(image):test)

bench: build ## Measure the server beside bare ones; BENCHFLAGS='--only grpc-get --rounds 3', see --help
	@go build -trimpath -o $(BUILD)/bench ./server/bench
	@$(BUILD)/bench --server $(BUILD)/config-service --json $(BUILD)/bench.json $(BENCHFLAGS)
	@$(MAKE) bench-python

capacity: ## Measure what etcd and the fleet take with many sidecars; CAPACITYFLAGS='--sidecars 500,2000', see --help
	@go build -trimpath -o $(BUILD)/capacity ./server/bench/capacity
	@$(BUILD)/capacity $(CAPACITYFLAGS)

bench-python: $(BUILD)/config-service-dev ## Measure the Python client
	@.tools/with python3 "bench of the Python client" python3 clients/python/bench.py $<

fuzz: ## Fuzz each parser for FUZZTIME (default 30s)
	@.tools/fuzz $${FUZZTIME:-30s} -fuzz .

## ---- generate ----

.PHONY: generate generate-manifests baseline
generate: .tools/.stamp-node .tools/.stamp-python .tools/.stamp-java ## Generate gen/ from proto/
	PATH="$(CURDIR)/.tools/bin:$$PATH" $(BUF) generate
	mkdir -p gen/python
	$(VENV)/python -m grpc_tools.protoc -Iproto --python_out=gen/python --pyi_out=gen/python $(PROTOS)
	$(VENV)/python -m grpc_tools.protoc -Iproto --grpc_python_out=gen/python $(SERVICES)

generate-manifests: ## Make what comes of deploy/kubernetes/sidecar.yaml: for Kustomize, Helm, the plain form
	go run ./deploy/generate deploy

baseline: .tools/.stamp-node ## Accept the present contract as what `buf breaking` compares with
	$(BUF) build proto -o proto/baseline.binpb

check-generated:
	@for tool in npm python3 mvn; do command -v $$tool >/dev/null || { .tools/with $$tool "check of gen/" true; exit; }; done; \
		$(MAKE) generate >/dev/null; \
		changed=$$(git status --porcelain gen); \
		if [ -n "$$changed" ]; then echo "gen/ is not what proto/ generates; run make generate and commit:"; echo "$$changed"; exit 1; fi

## ---- tools and builds that the tests need ----

# Not `npm ci`: it wants buf for every platform in the lock file.
.tools/.stamp-node: .tools/package-lock.json
	@.tools/with npm "tools from npm" npm --prefix .tools install --no-save --no-audit --no-fund --loglevel=error
	@[ ! -x $(BUF) ] || touch $@

.tools/.stamp-python: .tools/requirements.txt
	@.tools/with python3 "tools from PyPI" python3 -m venv .tools/venv
	@.tools/with python3 "tools from PyPI" $(VENV)/pip install -q --disable-pip-version-check -r $<
	@[ ! -x $(VENV)/ruff ] || touch $@

.tools/.stamp-java: .tools/pom.xml
	@.tools/with mvn "tools from Maven Central" mvn -q -B -ntp -f $< generate-resources
	@[ ! -e .tools/bin/protoc ] || { chmod +x .tools/bin/* && touch $@; }

.PHONY: browser stubs stub-python stub-typescript stub-java
stubs: stub-python stub-typescript stub-java

STUB_PYTHON := clients/python/examples/stub
stub-python: $(BUILD)/stub-python/.stamp
$(BUILD)/stub-python/.stamp: $(STUB_PYTHON)/requirements.txt
	@.tools/with python3 "stub in Python" python3 -m venv $(@D)
	@.tools/with python3 "stub in Python" $(@D)/bin/pip install -q --disable-pip-version-check -r $<
	@[ ! -d $(@D) ] || touch $@

# A package, tested, and its example as a project of its own that takes it from a file, as
# it would from the registry.
TYPESCRIPT := clients/typescript
stub-typescript: $(BUILD)/typescript/follow/dist/main.js
$(BUILD)/typescript/follow/dist/main.js: $(wildcard $(addprefix $(TYPESCRIPT)/,*.json README.md src/*.ts tests/* examples/follow/*.*)) $(wildcard gen/typescript/configservice/v1/*)
	@rm -rf $(BUILD)/typescript && mkdir -p $(BUILD)/typescript/follow && cp $(TYPESCRIPT)/examples/follow/*.* $(BUILD)/typescript/follow
	@.tools/with npm "package for TypeScript" npm --prefix $(TYPESCRIPT) ci --no-audit --no-fund --loglevel=error
	@.tools/with npm "package for TypeScript" npm --prefix $(TYPESCRIPT) --silent test
	@.tools/with npm "package for TypeScript" npm pack ./$(TYPESCRIPT) --silent --pack-destination $(BUILD)/typescript
	@.tools/with npm "example in TypeScript" env -C $(BUILD)/typescript/follow npm install --no-audit --no-fund --loglevel=error ../config-service-client-0.1.0.tgz
	@.tools/with npm "example in TypeScript" env -C $(BUILD)/typescript/follow npm run --silent build

JAVA := clients/java
JAVA_REPOSITORY := file://$(CURDIR)/$(BUILD)/java/repository
stub-java: $(BUILD)/java/follow/target/follow.jar
$(BUILD)/java/follow/target/follow.jar: $(JAVA)/pom.xml $(shell find $(JAVA)/src $(JAVA)/examples/follow/src $(JAVA)/examples/follow/pom.xml -type f) $(wildcard gen/java/io/github/configservice/v1/*)
	@rm -rf $(BUILD)/java && mkdir -p $(BUILD)/java/follow && cp -r $(JAVA)/examples/follow/pom.xml $(JAVA)/examples/follow/src $(BUILD)/java/follow
	@sed -i 's|</properties>|&<repositories><repository><id>built</id><url>$(JAVA_REPOSITORY)</url></repository></repositories>|' $(BUILD)/java/follow/pom.xml
	@.tools/with mvn "package for Java" mvn -q -B -ntp -f $(JAVA) deploy -Dmaven.install.skip -DaltDeploymentRepository=built::$(JAVA_REPOSITORY)
	@.tools/with mvn "example in Java" mvn -q -B -ntp -U -f $(BUILD)/java/follow package

$(BUILD)/python/.stamp: clients/python/requirements-dev.txt deploy/demo/requirements-dev.txt
	@.tools/with python3 "tests in Python" python3 -m venv $(@D)
	@.tools/with python3 "tests in Python" $(@D)/bin/pip install -q --disable-pip-version-check $(addprefix -r ,$^)
	@[ ! -d $(@D) ] || touch $@

# It comes as source. In CI a compiler is installed when there is none; elsewhere its tests are
# skipped by name. Only what they need of it is built.
$(BUILD)/python/.stamp-uwsgi: clients/python/requirements-uwsgi.txt $(BUILD)/python/.stamp
	@if [ "$${CI:-}" = true ] && ! command -v gcc >/dev/null; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gcc libc6-dev >/dev/null; fi
	@.tools/with gcc "uWSGI" env UWSGI_PROFILE_OVERRIDE='embedded_plugins=python;xml=false;yaml=false;ssl=false;pcre=false' $(@D)/bin/pip install -q --disable-pip-version-check -r $< || \
		{ echo "SKIP: uWSGI: it cannot be built here" >&2; [ "$${CI:-}" != true ]; }
	@[ ! -x $(@D)/bin/uwsgi ] || touch $@

.PHONY: $(BUILD)/config-service-dev
$(BUILD)/config-service-dev:
	@[ -e $@ ] || echo "building; the first time takes a minute"
	@go build -o $@ ./server/dev

# A browser comes with the system. In CI it is installed; elsewhere its tests are
# skipped by name.
browser:
	@if [ "$${CI:-}" = true ] && ! command -v chromedriver >/dev/null; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null; fi

.PHONY: clean
clean: ## Remove what was built and installed here
	rm -rf $(BUILD) .tools/node_modules .tools/venv .tools/bin .tools/.stamp-* $(addprefix $(TYPESCRIPT)/,dist node_modules src/gen) $(JAVA)/target
