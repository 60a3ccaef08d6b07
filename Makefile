# What there is to do with this repository; "make" alone lists it. Everything builds on Go alone; compat wants kcat, Java
# and Maven besides, conformance Java, Maven, npm and a C compiler, and race a C compiler.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

GO ?= go
# core's tests must run this share of core's statements, in percent.
COVERAGE ?= 85
# The packages whose code runs on many goroutines at once.
RACED := ./core/broker ./core/commitlog ./core/server ./core/vfs
# What runs in the simulator, and so in a browser too.
SIMULATED := ./base/... ./core/... ./replication/... ./netsim/...
# Which seeds "make sim" runs, which of them twice, and of which it judges the histories.
SEEDS ?= 1-50
TWICE ?= 1-50
HISTORIES ?= 1-100
# Which rows "make bench" measures, NAME,..., and how many rounds each.
ROWS ?= suite
COUNT ?= 10
# How long the broker is under load, and how often it is killed meanwhile.
SOAK ?= 30m
SOAKEVERY ?= 30s
# Which suites "make conformance" runs, NAME,...; all, and the tables, if it is empty.
SUITES ?=
# How many mutated frames "make hostile" sends.
FRAMES ?= 1000000
# How long each fuzz target runs, how many at a time, and with how many workers each.
FUZZTIME ?= 60s
FUZZJOBS ?= 2
FUZZWORKERS ?= 1

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the static binary, bin/gregor
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/gregor ./cmd/gregor

demo: ## the Go source tree through a broker that is killed on the way, read back and by groups; a page of what was seen
	$(GO) run ./scripts/demo

test: build vet cover rest race ## build, vet, every test, the race subset, and core's coverage

vet:
	$(GO) vet ./...

cover: ## core's tests, and the share of core's statements that they run
	@mkdir -p bin
	$(GO) test -coverpkg=./core/... -coverprofile=bin/cover.out ./core/...
	$(GO) run ./scripts/tidy/cmd/cover -below core/ -min $(COVERAGE) bin/cover.out

rest: ## every test outside of core
	packages=$$($(GO) list ./... | grep -v '^github.com/gregor-log/gregor/core/'); $(GO) test $$packages

# The tests that cut a workload at every call have one goroutine; "cover" runs them, and here they would take minutes.
race: ## the tests of the concurrent packages under the race detector
	CGO_ENABLED=1 $(GO) test -race -skip '^TestCrash' $(RACED)

compat: ## Kafka's own clients and tools, and kcat, against gregor
	$(GO) run ./scripts/compat

conformance: ## the test suites of Kafka's clients against gregor
	$(GO) run ./scripts/conformance $(if $(SUITES),-suite $(SUITES))

bench: ## ROWS (suite), COUNT (10) rounds each, beside Kafka and raw loops, kept in reports/reference; needs Java, Maven
	$(GO) run ./scripts/bench -rows $(ROWS) -count $(COUNT) -reference reports/reference

bench-nats: ## publish, consume and latency beside NATS with JetStream, in one run
	$(GO) run ./scripts/peers/natsbench

bench-quick: ## speed beside raw loops over the same bytes, in one run
	$(GO) run ./scripts/benchquick

bench-groups: ## groups, topics and connections beside Kafka, in one run; needs Java, and Maven for Kafka's jars
	$(GO) run ./scripts/benchgroups

soak: ## SOAK (30m) of load and 200 members of 50 groups, with a kill every SOAKEVERY (30s), checked
	$(GO) run ./scripts/soak -for $(SOAK) -end-every $(SOAKEVERY)

hostile: ## FRAMES (1000000) mutated frames at a live broker while a good client works
	$(GO) run ./scripts/hostile -frames $(FRAMES)

sim: build ## the simulator over SEEDS (1-50), TWICE (1-50) of them twice, and the verdicts on HISTORIES (1-100)
	bin/gregor sim run --seeds $(SEEDS)
	bin/gregor sim run --seeds $(TWICE) --twice
	rm -rf bin/histories
	bin/gregor sim run --seeds $(HISTORIES) --history bin/histories
	bin/gregor verify bin/histories

fuzz: ## every fuzz target for FUZZTIME (60s), FUZZJOBS (2) at a time; ends with what failed, and on which input
	$(GO) run ./scripts/fuzz -for $(FUZZTIME) -jobs $(FUZZJOBS) -workers $(FUZZWORKERS) \
		./fuzz ./consistency/history ./core/group ./core/config

wasm: ## build for js/wasm all that runs in the simulator
	GOOS=js GOARCH=wasm $(GO) build $(SIMULATED)

lint: vet ## gofmt, vet, staticcheck, and the repository's own rules
	unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not as gofmt has it:" $$unformatted; exit 1; }
	$(GO) tool staticcheck ./...
	$(GO) test ./scripts/tidy/...

fmt: ## format every Go file
	gofmt -w .

.PHONY: help build demo test vet cover rest race compat conformance bench bench-quick bench-groups bench-nats soak hostile sim fuzz wasm lint fmt
