# streamdb: what one runs by hand and what the gate runs. Every target says what it does before it does it.

GO          ?= go
# The invariants build tag turns the costly checks on; tests always set it.
GOTEST      := $(GO) test -tags invariants
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Packages with goroutines of their own; the race detector runs on them.
RACE_PKGS := $(shell $(GO) list ./... 2>/dev/null | grep -E '^streamdb(/(exec|storage|replication|txn|wire|connector)(/|$$)|$$)')
# Everything but the suites that have a target and a budget of their own.
UNIT_PKGS  = $(shell $(GO) list ./... | grep -vE '/sqllogictest/(differential|crash|faults)$$|/sqllogictest$$')

# Budgets on 2 idle cores: build 3, unit and race 4, SQL files 4, differential 3, crashes and faults 4 minutes. What
# hangs is ended at about three times that, so that a busy machine or a cold cache does not look like a fault.
BUILD_TIME        := 10m
UNIT_TIME         := 12m
SLT_TIME          := 12m
DIFFERENTIAL_TIME := 9m
CRASH_TIME        := 12m

# Number of SIGKILLs of the crash test, and the first seed of everything random.
KILLS ?= 8
SEED  ?= 1

# From here on a test that cannot run fails instead of being skipped.
export STREAMDB_TESTS := required

say = @printf '\n==> %s\n' "$(1)"

.PHONY: all demo build test tools unit race slt differential crash lint vet staticcheck bench soak rewrite clean

all: build

demo:
	$(GO) run ./cmd/streamdb demo

build:
	$(call say,build (budget 3 minutes): go build ./... and the test binaries' dependencies)
	timeout $(BUILD_TIME) $(GO) build ./...
	timeout $(BUILD_TIME) $(GO) build -o bin/streamdb ./cmd/streamdb

# The gate.
test: tools build vet staticcheck unit race slt differential crash
	$(call say,all green)

# PostgreSQL 15 is the oracle of the SQL tests; psql talks to both.
tools:
	$(call say,tools: PostgreSQL 15 and psql)
	@if [ -x /usr/lib/postgresql/15/bin/initdb ] && command -v psql >/dev/null; then echo present; else \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -q && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql postgresql-client; fi

vet:
	$(call say,go vet)
	$(GO) vet -tags invariants ./...

unit:
	$(call say,unit tests (with race: budget 4 minutes), lint of imports, sizes and comments)
	timeout $(UNIT_TIME) $(GOTEST) -timeout $(UNIT_TIME) $(UNIT_PKGS)

race:
	$(call say,race detector on the concurrent packages)
	timeout $(UNIT_TIME) $(GOTEST) -race -short -timeout $(UNIT_TIME) $(RACE_PKGS)

slt:
	$(call say,SQL files (budget 4 minutes): against PostgreSQL, then in every mode against streamdb)
	timeout $(SLT_TIME) $(GOTEST) -timeout $(SLT_TIME) -count=1 ./sqllogictest -args -seed $(SEED)

differential:
	$(call say,differential test against PostgreSQL (budget 3 minutes))
	timeout $(DIFFERENTIAL_TIME) $(GOTEST) -timeout $(DIFFERENTIAL_TIME) -count=1 ./sqllogictest/differential -args -seed $(SEED)

crash:
	$(call say,crash test: $(KILLS) x SIGKILL (budget 4 minutes))
	timeout $(CRASH_TIME) $(GOTEST) -timeout $(CRASH_TIME) -count=1 ./sqllogictest/crash -args -kills $(KILLS) -seed $(SEED)
	$(call say,broken input and files (within the same budget))
	timeout $(CRASH_TIME) $(GOTEST) -timeout $(CRASH_TIME) -count=1 ./sqllogictest/faults -args -seed $(SEED)

lint: vet staticcheck
	$(call say,gofmt, imports, sizes, comments)
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) test -run 'TestImports|TestSizes|TestComments|TestFormat' .

staticcheck:
	$(call say,staticcheck)
	$(GO) run $(STATICCHECK) -tags invariants ./...

# SQL benchmarks check their results. Further ones: streamdb bench -help. Is it flat for half an hour: streamdb bench soak.
bench: build
	$(call say,benchmarks)
	bin/streamdb bench nexmark

# An hour of the random tests: many kills, many seeds, the fuzzers.
soak: build
	$(call say,soak: 50 x SIGKILL)
	$(GOTEST) -timeout 60m -count=1 ./sqllogictest/crash -args -kills 50 -seed $(SEED)
	$(call say,soak: differential with ten seeds)
	for i in 1 2 3 4 5 6 7 8 9 10; do $(GOTEST) -timeout 10m -count=1 ./sqllogictest/differential -args -seed $$i || exit 1; done
	$(call say,soak: Nexmark against PostgreSQL with 1 M events and three seeds, 4 minutes each)
	for i in 1 2 3; do $(GO) test -timeout 30m -count=1 -run 'TestPostgres|TestProcessingTime' ./bench/nexmark -args -oracle-events 1000000 -oracle-clock-events 200000 -oracle-seed $$i || exit 1; done
	$(call say,soak: every fuzz target for a minute)
	scripts/fuzz 1m

# Fills in the answers of the plain SQL files from PostgreSQL. Review the difference as code.
rewrite:
	$(GO) test ./sqllogictest -run TestPostgres -count=1 -args -rewrite

clean:
	rm -rf bin
