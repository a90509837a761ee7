# `make help` lists what there is. Go is all that `make run` and `make build`
# need; `make test` installs what else the tests need.

BIN   := .cache/bin
LINT  := v2.15.0
SQLC  := v1.31.1
# What the tests need beside Go: official clients (Node), OpenSSL, a C compiler for the
# race detector, PostgreSQL, HAProxy, a browser with fonts for both languages, and keytool of a Java runtime. The tests start servers of their own; Debian's
# package of PostgreSQL is told to make none, where it was not installed before.
DEBS  := openssl nodejs npm gcc libc6-dev postgresql-15 haproxy chromium fonts-wqy-zenhei default-jre-headless
APT   = $(SUDO) apt-get update -qq && { test -d /etc/postgresql-common || { $(SUDO) mkdir -p /etc/postgresql-common && \
	echo 'create_main_cluster = false' | $(SUDO) tee /etc/postgresql-common/createcluster.conf >/dev/null; }; } && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold $(DEBS)
SUDO  := $(if $(filter-out 0,$(shell id -u)),sudo)

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

.PHONY: run
run: ## see a certificate issued, then go on serving until Ctrl-C
	go run ./cmd/chancery quickstart $(ARGS)

.PHONY: demo-acme
demo-acme: ## see an official client get a certificate of an ACME CA (Pebble)
	go run ./internal/demoacme

.PHONY: test-acme
test-acme: ## the long run of the ACME tests: ORDERS (100) for each fault
	CHANCERY_ACME_ORDERS=$(or $(ORDERS),100) go test -timeout 2h ./e2e/acme

# Packages with faults that last longer when CHANCERY_TORTURE is 1 or CHANCERY_ACME_ORDERS is set, and the tests of
# e2e that do so. Packages run one after another: figures are those of a machine of one's own.
TORTURE       := ./e2e/crash ./e2e/acme ./e2e/database
TORTURE_TESTS := ManyCutAnswers|ANodeIsKilled|QuotaOnTwoNodes|DiskIsFull|DiskOfPostgreSQLIsFull

.PHONY: torture
torture: deps ## the long run of all fault tests (docs/reliability.md)
	CHANCERY_TORTURE=1 CHANCERY_ACME_ORDERS=$(or $(ORDERS),100) CHANCERY_TEST_ALL=1 go test -p 1 -timeout 3h -count 1 -v $(TORTURE)
	CHANCERY_TORTURE=1 CHANCERY_TEST_ALL=1 go test -timeout 1h -count 1 -v -run '$(TORTURE_TESTS)' ./e2e

.PHONY: test-upgrade
test-upgrade: ## a node of the revision FROM beside one of this version, on PostgreSQL
	@test -n "$(FROM)" || { echo "say which: make test-upgrade FROM=<revision>"; exit 1; }
	rm -rf .cache/previous && git worktree prune && git worktree add --quiet --detach .cache/previous $(FROM)
	cd .cache/previous && go build -o ../chancery-previous ./cmd/chancery; status=$$?; cd ../.. && git worktree remove --force .cache/previous; exit $$status
	CHANCERY_PREVIOUS=$(CURDIR)/.cache/chancery-previous go test -count 1 -v -run TestRollingUpgrade ./e2e

.PHONY: build
build: ## build bin/chancery
	go build -trimpath -o bin/chancery ./cmd/chancery

.PHONY: test
test: deps ## install what the tests need and run all of them, with the race detector
	CHANCERY_TEST_ALL=1 go test -race -timeout 20m ./...
	cd packaging/checks && go test ./...

.PHONY: check
check: $(BIN)/golangci-lint ## lint, formatting, generated files, module versions
	$(BIN)/golangci-lint run ./...
	cd e2e/clients/go && go vet ./...
	go mod tidy -diff
	go mod verify
	@want=$$(go mod download -json modernc.org/sqlite@$$(go list -m -f '{{.Version}}' modernc.org/sqlite) | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p' | xargs sed -n 's/.*modernc.org\/libc \(v[^ ]*\).*/\1/p'); \
	have=$$(go list -m -f '{{.Version}}' modernc.org/libc); \
	test "$$want" = "$$have" || { echo "modernc.org/libc is $$have; modernc.org/sqlite asks for $$want"; exit 1; }

.PHONY: generate
generate: $(BIN)/sqlc ## make what is made from tables: SQL code and pages of docs/
	cd store && ../$(BIN)/sqlc generate
	go test ./store -run TestGenerated -update
	go run ./internal/gendocs

.PHONY: man
man: ## write the manual pages into man/
	go run ./internal/genman

.PHONY: bench
bench: ## measure what docs/performance.md tells: the whole program, then its parts (about 15 minutes)
	go run ./internal/bench/compare $(ARGS)
	go test -run '^$$' -bench . -benchmem ./signature ./ca ./internal/bench

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (default 30s)
	@for p in $$(grep -rl --include=*_test.go '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -h '^func Fuzz' $$p/*_test.go | sed -E 's/func (Fuzz[A-Za-z0-9]*).*/\1/'); do \
	    echo "$$p $$f"; go test $$p -run '^$$' -fuzz "^$$f$$" -fuzztime $(or $(FUZZTIME),30s) || exit 1; \
	  done; done

.PHONY: vuln
vuln: ## look for known vulnerabilities (needs the vulnerability database)
	go run golang.org/x/vuln/cmd/govulncheck@latest ./...

.PHONY: deps
deps: e2e/clients/node/node_modules ## install what the tests need
	@missing=; for c in openssl node npm gcc chromium /usr/sbin/haproxy /usr/lib/postgresql/15/bin/postgres; do command -v $$c >/dev/null || missing=yes; done; \
	if [ -n "$$missing" ]; then $(APT); fi

e2e/clients/node/node_modules: e2e/clients/node/package-lock.json
	@command -v npm >/dev/null || { $(APT); }
	cd e2e/clients/node && npm ci --silent
	@touch $@

$(BIN)/golangci-lint:
	GOBIN=$(CURDIR)/$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)

$(BIN)/sqlc:
	GOBIN=$(CURDIR)/$(BIN) go install github.com/sqlc-dev/sqlc/cmd/sqlc@$(SQLC)

.PHONY: clean
clean: ## remove what was built or made here
	rm -rf bin .cache chancery-quickstart e2e/clients/node/node_modules
