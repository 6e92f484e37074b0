# Fleetgate follows the layout of a kubebuilder project (PROJECT, config/, target
# names), but its code lies in operator/, proxy/ and bpf/ rather than in cmd/ and
# internal/, since three programs are built from one repository.

VERSION ?= 0.1.0
# IMAGE_TAG_BASE is the registry and path that the images' names begin with.
IMAGE_TAG_BASE ?= fleetgate.io
IMG ?= $(IMAGE_TAG_BASE)/operator:v$(VERSION)
PROXY_IMG ?= $(IMAGE_TAG_BASE)/proxy:v$(VERSION)
SENSOR_IMG ?= $(IMAGE_TAG_BASE)/sensor:v$(VERSION)
BUNDLE_IMG ?= $(IMAGE_TAG_BASE)/bundle:v$(VERSION)
CATALOG_IMG ?= $(IMAGE_TAG_BASE)/catalog:v$(VERSION)
# REPLACES and SKIP_RANGE are the edges of the catalog's upgrade graph, such as
# fleetgate.v0.0.9 and <0.1.0.
REPLACES ?=
SKIP_RANGE ?=
# CHANNELS are those of the bundle; the first is the default one unless
# DEFAULT_CHANNEL says otherwise.
CHANNELS ?= candidate-v0
DEFAULT_CHANNEL ?=
# USE_IMAGE_DIGESTS=true has the bundle name images by digest; they have to be pushed.
USE_IMAGE_DIGESTS ?= false

# KUBECTL is the client of the cluster that install, deploy and their opposites
# work on. `make kubectl ARGS=...` speaks to the test cluster instead.
KUBECTL ?= kubectl
ARGS ?=

# gateway-api v1.7.0 needs Go 1.27; an older go command fetches it by itself.
export GOTOOLCHAIN = go1.27.4
export GOFLAGS = -buildvcs=false
export CGO_ENABLED = 0

LDFLAGS = -s -w -X main.version=v$(VERSION)
LOCALBIN ?= $(CURDIR)/bin
DIST ?= $(CURDIR)/dist
ARCH ?= $(shell go env GOARCH)
# PLATFORMS are those that docker-buildx builds and pushes images for.
PLATFORMS ?= linux/amd64,linux/arm64

# Tools are built once per version into the user's cache.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fleetgate
TOOLS = $(CACHE)/tools/$(shell cat test/tools/go.mod test/tools/go.sum | sha256sum | cut -c1-16)
CONTROLLER_GEN = $(TOOLS)/controller-gen
KUSTOMIZE = $(TOOLS)/kustomize
GOLANGCI_LINT = $(TOOLS)/golangci-lint
BPF2GO = $(TOOLS)/bpf2go

CLUSTER = go -C test run ./cluster

.DEFAULT_GOAL := help
.PHONY: help
SHELL = /usr/bin/env bash -o pipefail
.SHELLFLAGS = -ec

##@ General

help: ## Show this help.
	@awk 'BEGIN {FS = ":.*##"; printf "\nUsage:\n  make \033[36m<target>\033[0m\n"} /^[a-zA-Z_0-9-]+:.*?##/ { printf "  \033[36m%-18s\033[0m %s\n", $$1, $$2 } /^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) }' $(MAKEFILE_LIST)

##@ See it

.PHONY: try demo demo-observe demo-down
try: build-echo build ## Run two Gateways on this machine without Kubernetes, from config/samples/local.
	@go -C test run ./try -bin $(LOCALBIN) -samples $(CURDIR)/config/samples/local $(ARGS)

demo: ## Show everything on a real Kubernetes that is started on this machine (Linux, root).
	@go -C test run ./demo up $(ARGS)

demo-observe: ## Show what a real Prometheus has of the demo's traffic: targets, rules, alerts and the dashboards' queries.
	@go -C test run ./demo observe

demo-down: ## Take down what demo has started.
	@go -C test run ./demo down

##@ Development

.PHONY: manifests generate bpf fmt vet lint lint-fix verify
manifests: controller-gen ## Generate the CRDs and the operator's ClusterRole from the markers in the code.
	$(CONTROLLER_GEN) crd paths=./api/v1alpha1/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./operator/... output:rbac:dir=config/rbac

generate: manifests ## Generate all code and manifests but the eBPF objects.
	$(CONTROLLER_GEN) object paths=./api/v1alpha1/...
	@go -C test run ./apidoc -types $(CURDIR)/api/v1alpha1 -out $(CURDIR)/docs/reference/gatewayparameters.md
	@go -C test run ./metricsdoc -root $(CURDIR)

bpf: bpf2go ## Compile the eBPF programs (needs clang-19).
	PATH="$(TOOLS):$$PATH" go generate ./bpf/...

fmt: ## Format the code.
	gofmt -w api bpf internal operator proxy test

vet: ## Run go vet on all modules of the project's own.
	go vet ./...
	go -C test vet ./...
	go -C test/http2 vet .
	go -C test/protocol vet ./...

lint: golangci-lint ## Run the linters.
	$(GOLANGCI_LINT) run ./...

lint-fix: golangci-lint ## Run the linters and apply their fixes.
	$(GOLANGCI_LINT) run --fix ./...

verify: ## Fail when generated code, formatting or go.mod differ from what is committed.
	@test/verify.sh

##@ Test

.PHONY: test test-unit test-protocol test-http2 test-attack test-long test-race build-race test-e2e test-guides setup-test-e2e cleanup-test-e2e fuzz bench bench-proxy bench-sensor bench-control bench-fleet conformance
test: ## Run all tests: unit, golden, fuzz seeds, race, local mode, end to end on Kubernetes.
	@test/run.sh $(STAGES)

test-unit: ## Run the unit and golden tests and the fuzz seeds.
	go test ./...
	go -C test test ./apidoc/... ./bundle/... ./cluster/... ./echo/... ./images/... ./internal/... ./local/... ./control/... ./metricsdoc/... ./rules/...
	go -C test/conformance test ./renaming/...

# DRIVER=portable has test-protocol, test-http2 and test-attack build the proxy
# with the driver that systems other than Linux have, and DRIVER=portable-race
# with the race detector as well.
DRIVER ?= $(FLEETGATE_DRIVER)
test-protocol test-http2 test-attack: export FLEETGATE_DRIVER := $(DRIVER)

test-protocol: ## Run the protocol tests on the shipped proxy; they install the Debian and npm packages that they miss.
	go -C test/protocol test -count=1 -timeout 10m -v ./...

test-long: ## Run the protocol tests, and those of two tenants, the sensor and the API server, with the numbers that are claimed, and write docs/results (hours).
	FLEETGATE_LONG=1 go test -count=1 -timeout 12h -v -run TestTenantsTogether ./operator/internal/golden
	FLEETGATE_LONG=1 FLEETGATE_REQUIRE_BPF=1 go test -count=1 -p 1 -timeout 12h -v ./bpf ./bpf/internal/load ./proxy/internal/probe
	FLEETGATE_LONG=1 go -C test/protocol test -count=1 -p 1 -timeout 12h -v ./...
	FLEETGATE_LONG=1 go -C test test -count=1 -timeout 1h -v -run 'TestAPIServerGoes|TestWatchesAre' ./e2e

# The golden tests translate, which takes one goroutine and, under the detector, minutes.
RACED = $$(go list ./operator/... ./proxy/... ./api/... | grep -v '/golden$$')

test-race: ## Run the tests of the concurrent packages under the race detector.
	CGO_ENABLED=1 go test -race $(RACED)

build-race:
	@CGO_ENABLED=1 go list -race -test -deps -export $(RACED) >/dev/null

# What these two judge, a peer can be judged by too: ARGS="-against go" or
# "-against haproxy".
test-http2: ## Run h2spec, gRPC's interop cases and the HTTP/2 tables against the proxy; they install the Debian packages that they miss.
	go -C test/http2 test -count=1 -timeout 5m -v . $(ARGS)

test-attack: ## Attack the proxy from both sides, and measure what it costs.
	go -C test test -count=1 -timeout 10m -v ./attack $(ARGS)

# Tests that wait for pods leave processors to others, so there are more than these beside
# one another.
test-e2e: ## Run the end-to-end tests in the test cluster, which is started when needed.
	go -C test test -count=1 -timeout 20m -parallel 4 -skip $(GUIDES) -v ./e2e/...

# It takes minutes in which nothing else may run, as it installs the operator anew.
GUIDES = '^TestGuidesCanBeFollowed$$'
test-guides: ## Do in the test cluster what docs/guides and the README say, from a registry and back to nothing.
	go -C test test -count=1 -timeout 20m -run $(GUIDES) -v ./e2e/...

setup-test-e2e: cluster-up ## The same as cluster-up, under the name that kubebuilder uses.

cleanup-test-e2e: cluster-down ## The same as cluster-down, under the name that kubebuilder uses.

fuzz: ## Run every fuzz target for FUZZTIME (30s).
	@test/fuzz.sh $(or $(FUZZTIME),30s)

bench: ## Run the Go benchmarks: the hot path of the proxy, translation, and a scrape of the sensor.
	go test -run '^$$' -bench . -benchmem ./proxy/... ./api/... ./operator/internal/golden ./bpf/internal/load

bench-proxy: build ## Measure the proxy beside nginx, HAProxy and others (root, 40 quiet minutes; ARGS="-runs 1 -rounds 2 -seconds 1" takes 12).
	@go -C test/bench run . $(ARGS)

bench-sensor: build ## Measure what the sensor costs the proxy (root, 8 quiet minutes; ARGS="-rounds 2 -seconds 2 -out ''" for a short one).
	@go -C test/bench run . -sensor ../../bin/fleetgate-sensor -out ../../docs/benchmarks/sensor.md -rounds 24 -seconds 12 $(ARGS)

bench-fleet: ## Measure 1,000 Gateways in a test cluster of its own (root; ARGS="-gateways 50 -crowd 0" for a short one).
	@go -C test run ./fleet $(ARGS)

bench-control: ## Measure the control plane in the test cluster (root, 20 quiet minutes; ARGS="-only attached").
	@go -C test run ./control $(ARGS)

conformance: ## Run the official Gateway API conformance suite in the test cluster.
	@go -C test run ./demo conformance $(ARGS)

##@ Build

.PHONY: build build-echo run images docker-build docker-push docker-buildx build-installer
build: ## Build the three programs into bin/.
	@mkdir -p $(LOCALBIN)
	GOARCH=$(ARCH) go build -trimpath -ldflags "$(LDFLAGS)" -o $(LOCALBIN)/fleetgate ./operator
	GOARCH=$(ARCH) go build -trimpath -ldflags "-w -X main.version=v$(VERSION)" -o $(LOCALBIN)/fleetgate-proxy ./proxy
	GOARCH=$(ARCH) go build -trimpath -ldflags "$(LDFLAGS) -X main.proxyBuild=$$(go tool buildid $(LOCALBIN)/fleetgate-proxy)" -o $(LOCALBIN)/fleetgate-sensor ./bpf/exporter

build-echo:
	@mkdir -p $(LOCALBIN)
	@GOARCH=$(ARCH) go -C test build -trimpath -ldflags "-s -w" -o $(LOCALBIN)/echo ./echo

run: build ## Run the operator against the cluster of the current kubeconfig.
	$(LOCALBIN)/fleetgate controller --metrics-bind-address=0 --leader-elect=false $(ARGS)

images: build build-echo ## Build container images of the three programs as archives in dist/images.
	@mkdir -p $(DIST)/images
	go -C test run ./images/build -o $(DIST)/images/operator.tar -arch $(ARCH) -t $(IMG) -user 65532 $(LOCALBIN)/fleetgate:/fleetgate
	go -C test run ./images/build -o $(DIST)/images/proxy.tar -arch $(ARCH) -t $(PROXY_IMG) -user 65532 $(LOCALBIN)/fleetgate-proxy:/fleetgate-proxy
	go -C test run ./images/build -o $(DIST)/images/sensor.tar -arch $(ARCH) -t $(SENSOR_IMG) -user 0 $(LOCALBIN)/fleetgate-sensor:/fleetgate-sensor
	go -C test run ./images/build -o $(DIST)/images/echo.tar -arch $(ARCH) -t $(IMAGE_TAG_BASE)/echo:v$(VERSION) -user 65532 $(LOCALBIN)/echo:/echo

comma := ,
PLATFORM_ARCHES = $(patsubst linux/%,%,$(subst $(comma), ,$(PLATFORMS)))
images-%: ## Build the images for one architecture in dist/, such as images-arm64.
	@$(MAKE) --no-print-directory images ARCH=$* LOCALBIN=$(LOCALBIN)/$* DIST=$(DIST)/$*

docker-build: images ## The same as images, under the name that kubebuilder uses.

# The guides' backend goes along with the three.
docker-push: ## Push what docker-build has written to the registry that IMAGE_TAG_BASE names.
	go -C test run ./images/push $(foreach i,operator proxy sensor echo,$(DIST)/images/$(i).tar)

docker-buildx: $(addprefix images-,$(PLATFORM_ARCHES)) ## Build for all PLATFORMS, and push each image as one name for all of them.
	@$(foreach i,operator proxy sensor echo,go -C test run ./images/push -platforms $(foreach a,$(PLATFORM_ARCHES),$(DIST)/$(a)/images/$(i).tar) &&) true

build-installer: kustomize ## Render everything that a cluster needs into dist/install.yaml.
	@mkdir -p $(DIST)
	@$(MANIFESTS) > $(DIST)/install.yaml

##@ Deployment

# The images are set on the rendered manifests, so that no file of the work tree
# changes.
SET_IMAGES = sed -e 's|fleetgate.io/operator:v[0-9.]*|$(IMG)|' -e 's|fleetgate.io/proxy:v[0-9.]*|$(PROXY_IMG)|' -e 's|fleetgate.io/sensor:v[0-9.]*|$(SENSOR_IMG)|'
MANIFESTS = $(KUSTOMIZE) build config/default | $(SET_IMAGES)
# The CRDs come from the module, so that their version is that of go.mod.
GATEWAY_API_CRDS = $$(go mod download sigs.k8s.io/gateway-api && go list -m -f '{{.Dir}}/config/crd/experimental' sigs.k8s.io/gateway-api)
ignore-not-found ?= false

.PHONY: install uninstall deploy undeploy
install: kustomize ## Install the CRDs in the current cluster: those of the Gateway API (experimental channel) and Fleetgate's own.
	$(KUBECTL) apply --server-side -k $(GATEWAY_API_CRDS)
	$(KUSTOMIZE) build config/crd | $(KUBECTL) apply --server-side -f -

uninstall: kustomize ## Remove the CRDs, and with them every Gateway, route and GatewayParameters.
	$(KUBECTL) delete --ignore-not-found=$(ignore-not-found) -k $(GATEWAY_API_CRDS)
	$(KUSTOMIZE) build config/crd | $(KUBECTL) delete --ignore-not-found=$(ignore-not-found) -f -

deploy: kustomize ## Deploy the operator and the GatewayClass to the current cluster.
	$(MANIFESTS) | $(KUBECTL) apply --server-side -f -
	$(KUBECTL) apply --server-side -f $(CURDIR)/config/samples/gatewayclass.yaml

# The GatewayClass stays: as long as Gateways use it, only the operator can let it
# go. So does the CRD, with which what users have written would go. Of the nodes'
# agents, where there are any, what is in no namespace has to be named.
WITHOUT_CRDS = awk 'BEGIN { RS = ORS = "---\n" } !/\nkind: CustomResourceDefinition\n/'
undeploy: kustomize ## Remove the operator; Gateways go on serving until they are deleted.
	$(MANIFESTS) | $(WITHOUT_CRDS) | $(KUBECTL) delete --ignore-not-found=$(ignore-not-found) -f -
	$(KUBECTL) delete --ignore-not-found clusterroles,clusterrolebindings fleetgate-node-agent

##@ OLM

.PHONY: bundle bundle-build bundle-push catalog catalog-build catalog-push
bundle: kustomize ## Generate bundle/ for OLM from config/manifests.
	$(KUSTOMIZE) build config/manifests | $(SET_IMAGES) | go -C test run ./bundle -examples $(CURDIR)/config/samples/parameters/gatewayparameters.yaml -version $(VERSION) -channels "$(CHANNELS)" -default-channel "$(DEFAULT_CHANNEL)" -digests=$(USE_IMAGE_DIGESTS) -out $(CURDIR)/bundle

bundle-build: ## Build the bundle's image as an archive in dist/images.
	@mkdir -p $(DIST)/images
	go -C test run ./bundle/image -bundle $(CURDIR)/bundle -o $(DIST)/images/bundle.tar -t $(BUNDLE_IMG)

bundle-push: ## Push what bundle-build has written.
	go -C test run ./images/push $(DIST)/images/bundle.tar

catalog: ## Render a file-based catalog with the bundle into dist/catalog, and its image into dist/images.
	@mkdir -p $(DIST)/images
	go -C test run ./bundle/catalog -bundle $(CURDIR)/bundle -image $(BUNDLE_IMG) -replaces "$(REPLACES)" -skip-range "$(SKIP_RANGE)" -o $(DIST)/catalog/fleetgate/catalog.yaml -image-out $(DIST)/images/catalog.tar -t $(CATALOG_IMG)

catalog-build: catalog ## The same as catalog, under the name that kubebuilder uses.

catalog-push: ## Push the catalog's image.
	go -C test run ./images/push $(DIST)/images/catalog.tar

##@ Test cluster

.PHONY: cluster-up cluster-down cluster-status kubectl
cluster-up: ## Start a real Kubernetes on this machine (Linux, root).
	@$(CLUSTER) up

cluster-down: ## Stop it; nothing is left.
	@$(CLUSTER) down

cluster-status: ## Say whether it is up.
	@$(CLUSTER) status

kubectl: ## Run kubectl in it: make kubectl ARGS="get pods -A".
	@$(CLUSTER) kubectl $(ARGS)

##@ Dependencies

# All tools come from one module, so one build makes them all.
.PHONY: controller-gen kustomize golangci-lint bpf2go
controller-gen: $(CONTROLLER_GEN) ## Build controller-gen.
kustomize: $(CONTROLLER_GEN) ## Build kustomize.
golangci-lint: $(CONTROLLER_GEN) ## Build golangci-lint.
bpf2go: $(CONTROLLER_GEN) ## Build bpf2go.
$(CONTROLLER_GEN):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go -C test/tools install -trimpath tool
