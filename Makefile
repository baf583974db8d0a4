# Two commands: `make run` sets everything up and runs the main job, `make test` sets up and runs all tests.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Real servers that the tests start: PostgreSQL, S3 with Object Lock, an HSM in software, a timestamp authority.
# And what reads as people do: a browser, a reader of PDF, fonts of many scripts.
READERS := chromium fonts-dejavu-core fonts-noto-cjk poppler-utils qpdf
SERVERS := ceph-common ceph-mon ceph-osd curl openssl postgresql radosgw softhsm2

.PHONY: help run test lint check soak bench lock clean

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: $(VENV)/run.stamp $(VENV)/native.stamp ## record, seal, verify and prove a shop's story, catch a tampering, and open its pages [ARGS=--empty]
	@$(BIN)/python tools/demo.py $(ARGS)

test: $(VENV)/dev.stamp lint ## lint, types, import laws and all tests
	tools/install-debian $(SERVERS) $(READERS) gcc golang-go golang-golang-x-mod-dev libc6-dev python3-dev strace
	$(MAKE) --no-print-directory $(VENV)/native.stamp
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/dev.stamp ## style, types, import laws
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: $(VENV)/dev.stamp ## the long proofs; their last report is in docs/reports/
	tools/install-debian $(SERVERS) default-jre-headless golang-go golang-golang-x-mod-dev strace
	ORDERTRAIL_SOAK=1 $(BIN)/python -m pytest -s -n 0 tests/crash/test_kills.py -k five_hundred
	ORDERTRAIL_SOAK=1 $(BIN)/python -m pytest -n 2 tests/crash tests/tamper tests/witness/test_kills.py tests/production/test_kills.py --deselect tests/crash/test_kills.py
	ORDERTRAIL_SOAK=1 $(BIN)/python -m pytest -n 2 tests/capture/test_kills.py tests/capture/django/test_kills.py tests/capture/guard/test_kills.py tests/intake
	$(BIN)/python tests/intake/fuzzing.py --report docs/reports/fuzzing.md
	ORDERTRAIL_SOAK=1 $(BIN)/python -m pytest -n 0 tests/correlate/test_export.py
	ORDERTRAIL_SOAK=1 $(BIN)/python -m pytest -n 2 tests/query/test_filters.py tests/columnar tests/monitor tests/correlate tests/web/api tests/web/operations
	ORDERTRAIL_SOAK=1 $(BIN)/python -m pytest -s -n 0 tests/bus/test_cluster.py
	ORDERTRAIL_SOAK=1 $(BIN)/python -m pytest -n 0 tests/iceberg/test_engines.py
	ORDERTRAIL_SOAK=1 $(BIN)/python -m pytest -s -n 0 tests/retention/test_years.py

bench: $(VENV)/dev.stamp ## measure, beside the best peers, in one run
	tools/install-debian gcc golang-go golang-golang-x-mod-dev libc6-dev python3-dev
	$(MAKE) --no-print-directory $(VENV)/native.stamp
	$(BIN)/python bench/run.py
	$(BIN)/python bench/intake.py
	$(BIN)/python bench/query.py
	$(BIN)/python bench/columnar.py --dir build/segments
	$(BIN)/python bench/api.py
	$(BIN)/python bench/monitor.py
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/detectors.txt
	$(BIN)/python bench/behaviour.py
	$(BIN)/python bench/forecast.py
	$(BIN)/python bench/correlate.py
	$(BIN)/python bench/notify.py
	$(BIN)/python bench/evidence.py
	$(BIN)/python bench/pages.py
	$(BIN)/python bench/streams.py
	$(BIN)/python bench/jobs_ray.py

lock: $(VENV)/dev.stamp ## lock the dependencies anew, with hashes
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 pyproject.toml --extra serve --extra monitor --extra evidence -o requirements/run.txt
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 pyproject.toml --all-extras --group dev -o requirements/dev.txt
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 --group bench -o requirements/bench.txt
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 -c requirements/dev.txt pyproject.toml --extra postgresql --extra s3 --extra kms --extra timestamps --extra witness --extra serve --extra monitor --extra evidence --extra columnar --extra notify -o deploy/container/requirements.txt
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 tests/correlate/process_mining/requirements.in -o tests/correlate/process_mining/requirements.txt
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 -c requirements/dev.txt --group detectors -o requirements/detectors.txt
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --python-version 3.11 -c requirements/dev.txt bench/capture_peers/requirements.in -o bench/capture_peers/requirements.txt

clean: ## remove what was built
	rm -rf $(VENV) bench/.venv bench/capture_peers/.venv dist build native/build .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/pip:
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); tools/install-debian python3-venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/pip
	@echo "Setting up (once) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@tools/link-source $(BIN)/python
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/run.stamp

# Optional: nothing happens, and no stamp is made, where there is no C compiler.
$(VENV)/native.stamp: tools/build-native $(wildcard native/*.py native/*.toml native/src/*.[ch] native/src/ordertrail_native/*) | $(VENV)/bin/pip
	@tools/build-native $(BIN)/python $@
