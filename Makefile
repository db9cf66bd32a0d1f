# One virtual environment for everything; it is made anew when its inputs change.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
QEMU_THERE := $(BIN)/python -c 'from conformance.targets.qemu.process import find_qemu; find_qemu()'

.PHONY: verify refuted test quick corpus coverage mutants contracts catalogue lint bench bench-table bench-vmm matrix docs setup clean

setup: $(READY)

$(READY): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("slotproof needs Python 3.11 or later: make PYTHON=..." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable '.[dev]'
	@touch $(READY)

# Every edit that verify-source must judge, those of long proofs too: of virtio-mem.c, and of Rust.
corpus: setup
	SLOTPROOF_WHOLE_CORPUS=1 $(BIN)/pytest -q tests/qemu/test_source_corpus.py \
	  tests/qemu/test_source.py tests/unit/test_verify_rust.py

# The main job: prove, then check devices against the model.
verify: setup
	$(BIN)/slotproof prove
	$(BIN)/slotproof prove --profile seed-v2 --expect docs/refuted-seed-v2.json
	$(BIN)/slotproof check --target reference --seed 1 --traces 200 --steps 100
	$(BIN)/slotproof check --target 'cmd:$(BIN)/python docs/example_device.py' --seed 1 --traces 50
	@if $(QEMU_THERE) 2>/dev/null; then \
	  echo "$(BIN)/slotproof check --target qemu --seed 1 --traces 20"; \
	  $(BIN)/slotproof check --target qemu --seed 1 --traces 20; \
	elif [ "$$SLOTPROOF_REQUIRE_QEMU" = 1 ]; then \
	  $(QEMU_THERE) 2>&1 | tail -n 1; exit 1; \
	else \
	  echo "skipped: no QEMU with dynamic-memslots (README says how to get one)"; \
	fi

# What the other profiles do not keep is just what their files list; minutes each.
refuted: setup
	for profile in qemu-7.2 firecracker cloud-hypervisor; do \
	  $(BIN)/slotproof prove --profile $$profile --expect docs/refuted-$$profile.json || exit; done

test: setup
	$(BIN)/pytest --numprocesses auto --dist loadgroup tests

# What a change of one room needs: make quick, or make quick ROOM=smt_proofs/lemmas. The book of all
# proofs, a real QEMU and the browser are left to make test.
quick: setup
	@files=$$($(BIN)/python tests/quick.py $(ROOM)); \
	if [ -z "$$files" ]; then echo "nothing changed: make quick ROOM=smt_proofs/lemmas names a room"; \
	else $(BIN)/pytest -q --numprocesses auto -m "not qemu and not slow" $$files; fi

# All tests, about twice as slow, with what they do not reach.
coverage: setup
	$(BIN)/pytest --numprocesses auto --cov --cov-report=term:skip-covered tests

# Every wrong rule is killed by a theorem or proven to be none.
mutants: setup
	$(BIN)/slotproof prove --mutants

# Without any one contract a second device meets all others; the page shows one each.
contracts: setup
	$(BIN)/python -m conformance.commands.contracts

# Every wrong device is found; the page is made of what this writes.
catalogue: setup
	$(BIN)/slotproof check --catalogue --seeds 5 -j 2 --json > docs/catalogue.json
	$(BIN)/python docs/generate.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/pytest tests/benchmarks --benchmark-only

# The table of docs/performance.md: this project beside its peers.
bench-vmm: setup
	$(BIN)/python tests/benchmarks/ways_table.py

bench-table: setup
	$(BIN)/python tests/benchmarks/table.py

# The site, in build/site; tests build it as strictly.
docs: setup
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx -q -W --keep-going -n -b html docs build/site

# The QEMU at hand beside those of other Debian suites.
matrix: setup
	$(BIN)/python tests/qemu/matrix.py $$(tests/qemu/unpack.sh bookworm) \
	  $$($(BIN)/python -c 'from conformance.targets.qemu.process import find_qemu; print(find_qemu())') \
	  $$(tests/qemu/unpack.sh sid)

clean:
	rm -rf $(VENV) build
