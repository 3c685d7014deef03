# claygate: build, check, test. `make` alone lists the targets.
#
#   make test FUZZTIME=30s     a longer fuzz budget per target (a time, or a number of inputs such as 20000x)
#   make test PKG=./clay/...   one part of the tree
#   make soak SOAK=2h          2,000 kills, then the same tests over and over, with many more property cases

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PKG      ?= ./...
P        ?= 3
FUZZTIME ?= 5000x
SOAK     ?= 30m
KILLS    ?= 60
RUNKILLS ?= 1000
EVILS    ?= 1000
FREEZE   ?= 0.5
CUTS     ?= 200
BENCH    ?= .
TIMEOUT  ?= 10m

# The race detector slows SQLite, which is machine-translated Go, 14 to 29 times (50,000 inserts: 0.21 s → 2.9 s; a recursive query of
# 500,000 rows: 0.58 s → 16.7 s), and has little to find there: database/sql gives a connection, and so its memory, to one
# goroutine at a time. So these two modules are compiled without instrumentation; our code and every other module keep theirs. The
# pattern's "..." matches any text, so it covers github.com/ncruces/go-sqlite3/... and github.com/ncruces/go-sqlite3-wasm/v6/... alike.
# It stands on the command line, not in GOFLAGS, so that plain `go build` and `go test` stay as they are.
NORACE := -gcflags='github.com/ncruces/go-sqlite3...=-race=false'

# In CI no earlier result may stand in: the cache does not see what child processes read.
RACETEST := CGO_ENABLED=1 go test -race $(NORACE) -p $(P) -timeout $(TIMEOUT) $(if $(CI),-count=1)

PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
build_for = GOOS=$(word 1,$(1)) GOARCH=$(word 2,$(1)) CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' \
  -o dist/claygate-$(word 1,$(1))-$(word 2,$(1))$(if $(filter windows,$(word 1,$(1))),.exe) ./cmd/claygate

TOOL := go tool -modfile=$(CURDIR)/tools/go.mod

.PHONY: help build dist reproducible test lint verify fuzz bench kills soak cover clean need fmt-check vet staticcheck vulncheck cross

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

build: ## Build the static binary ./claygate
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o claygate ./cmd/claygate

dist: ## Build the static binaries for all platforms into dist/, with checksums and what is in each (SBOM.txt)
	rm -rf dist && mkdir dist
	@$(foreach p,$(PLATFORMS),echo $(p); $(call build_for,$(subst /, ,$(p)));) cd dist && go version -m claygate* > SBOM.txt && \
	  sha256sum claygate* SBOM.txt > SHA256SUMS && cat SHA256SUMS

reproducible: ## Build the commit twice, in two places and from nothing, and compare the binaries
	tools/reproducible.sh

test: need lint fuzz ## Linters, fuzz targets, then all tests with the race detector; installs what is missing
	$(RACETEST) $(PKG)

lint: fmt-check verify vet staticcheck vulncheck cross ## gofmt, go mod verify, go vet, staticcheck, govulncheck, and what a compiler for the other systems would refuse

fuzz: ## Run every fuzz target: its seeds and FUZZTIME more
	tools/fuzz.sh $(FUZZTIME) $(PKG)

bench: ## Run the Go benchmarks (BENCH=regexp)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -p 1 $(PKG)

kills: need ## kill -9 claygate KILLS times at each named point and at random, RUNKILLS times with runs in flight; cut the power CUTS times; EVILS of each kind for replicas
	CLAYGATE_KILLS=$(KILLS) CLAYGATE_RUN_KILLS=$(RUNKILLS) CLAYGATE_CUTS=$(CUTS) CLAYGATE_EVILS=$(EVILS) CLAYGATE_FREEZE=$(FREEZE) go test ./e2e -count=1 -timeout 0 -v \
	  -run '^(TestCrashPoints|TestKillNineOfServe|TestKillNineWithRunsInFlight|TestPowerCut|TestReplicas.*)$$' | grep -v '^=== '

soak: need kills ## The kills; then all tests, with 100 times the property cases, for SOAK; then fuzz each target for a minute
	end=$$(( $$(date +%s) + $$(sed -E 's/h/*3600+/; s/m/*60+/; s/s/+/; s/$$/0/' <<<'$(SOAK)') )); \
	round=0; \
	while (( $$(date +%s) < end )); do \
	  round=$$((round + 1)); echo "soak: round $$round"; \
	  RAPID_CHECKS=10000 CGO_ENABLED=1 go test -race $(NORACE) -p $(P) -timeout 0 -count=1 $(PKG); \
	done
	tools/fuzz.sh 1m $(PKG)

cover: ## Write cover.html and print the coverage of every package
	go test -coverpkg=./... -coverprofile=cover.out $(PKG)
	go tool cover -html=cover.out -o cover.html
	go tool cover -func=cover.out | tail -n 1

clean: ## Remove what the targets above wrote
	rm -rf claygate cover.out cover.html dist

need:
	@tools/need.sh gcc:gcc,libc6-dev git:git mkfs.ext4:e2fsprogs mount:mount initdb:postgresql

fmt-check:
	@unformatted=$$(gofmt -l .); if [[ -n "$$unformatted" ]]; then \
	  echo "not formatted; run: gofmt -w" $$unformatted >&2; exit 1; fi

verify:
	go mod verify
	$(call in_bench,go mod verify)

vet:
	go vet $(PKG)
	$(call in_bench,go vet ./...)

staticcheck:
	$(TOOL) staticcheck $(PKG)
	$(call in_bench,$(TOOL) staticcheck ./...)

vulncheck:
	tools/vulncheck.sh $(CURDIR)/tools/go.mod $(PKG)
	$(call in_bench,$(CURDIR)/tools/vulncheck.sh $(CURDIR)/tools/go.mod ./...)

cross:
	@checker=$$(mktemp) && trap 'rm -f "$$checker"' EXIT && go build -modfile=tools/go.mod -o "$$checker" tools/typecheck.go && \
	  for os in windows darwin; do echo "types for $$os"; GOOS=$$os CGO_ENABLED=0 "$$checker" ./...; done

# bench/ is a module of its own, so that what it measures against never becomes a dependency of claygate.
in_bench = $(if $(wildcard bench/go.mod),cd bench && $(1))
