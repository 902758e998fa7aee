PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))

.PHONY: run test test-all docs pages fuzz lint test-oldest soak quick-report gpu gpu-lease gpu-perf gpu-papers constraints clean

run: $(INSTALLED)
	$(BIN)/bench run

# Two to four processes of one thread each. The tests of a file share a process (conftest.py). Skips are listed.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

test: lint
	$(PYTEST) -m "not long"

# With what takes minutes: the benchmarks, and every form's training.
test-all: lint
	$(PYTEST)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python import_contracts.py

# Killed at random moments, again and again; the test suite does so three times.
soak: $(INSTALLED)
	INPAINT_SOAK=40 $(BIN)/python -m pytest -s tests/reliability/test_crashes.py -k random

# The documentation as a site, in site-docs/. A warning ends it. (The variable silences a notice about MkDocs's successors.)
docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# Tables and lists in the pages, from what is stored, measured and injected.
pages: $(INSTALLED)
	$(BIN)/python docs/embed_tables.py
	$(BIN)/python docs/embed_help.py
	$(BIN)/python docs/metrics_page.py
	$(BIN)/python docs/reliability_page.py
	$(BIN)/python reports/performance/page.py

# The lower bounds of the dependencies; wants Python 3.11.
test-oldest:
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/pip install --quiet -c constraints-oldest.txt -e .[test] $(addprefix -e ,$(PLUGINS))
	.venv-oldest/bin/python -m pytest

# The README's table and pictures, measured and taken anew.
quick-report: $(INSTALLED)
	rm -rf .quick
	$(BIN)/bench run --device cpu --save-images 5 --out .quick
	cp $(addprefix .quick/runs/*/,run.json table.md table.csv grid.png) reports/quick/
	$(BIN)/bench report .quick --format html -o .quick/site
	$(BIN)/python reports/quick/screenshots.py .quick/site
	$(BIN)/python docs/embed_tables.py

# Damaged files of every kind, more than two thousand; `make test` tries some two hundred.
fuzz: $(INSTALLED)
	BENCH_FUZZ=2400 $(BIN)/python -m pytest tests/reliability/test_fuzz.py

# What can only be checked where there is a GPU; says so and skips elsewhere.
gpu: $(INSTALLED)
	$(BIN)/python -m pytest -rs tests/test_gpu.py

# Speed of inference and training of all trainable methods on a GPU.
gpu-perf: $(INSTALLED)
	$(BIN)/bench perf --parts forward,training --device cuda --sizes 256,512 --batches 1,8 --precision tf32,bf16-mixed \
		--json reports/performance/gpu.json
	$(BIN)/python reports/performance/page.py

# What a bare machine with a GPU, PyTorch and Python 3.12 lacks, as wheels in .lease/, to take there with this folder.
LEASE_TAGS = --python-version 3.12 --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64
LEASE_NEEDS = annotated-types beartype imagehash lightning-fabric lpips pydantic pydantic-core pytorch-fid pywavelets \
	typing-inspection
gpu-lease: $(INSTALLED)
	rm -rf .lease
	$(BIN)/pip download --quiet --no-deps --only-binary=:all: $(LEASE_TAGS) -c constraints.txt -d .lease $(LEASE_NEEDS)
	$(BIN)/pip wheel --quiet --no-deps -w .lease . $(addprefix ./,$(PLUGINS))
	@du -sh .lease
	@echo "There: pip install --no-index --no-deps .lease/*.whl && python3 -m benchmarks.gpu_lease lease.jsonl"

# Six methods at paper scale on a GPU, on the embedded photographs: how they train, not how good they can be.
GPU_RUN = $(BIN)/bench run --protocol center-256 --image-set photos --backbone random --device cuda --out .gpu-papers
gpu-papers: $(INSTALLED)
	$(GPU_RUN) --plugins glcic,gradient_attention:adversarial,pconv,gated,dmfn --steps 3000 --batch 8
	$(GPU_RUN) --plugins context_encoder --size 128 --train-masks center --steps 3000 --batch 64

# Pin what is installed now, once the test suite has passed with it.
constraints: $(INSTALLED)
	$(BIN)/pip freeze --exclude-editable | grep -v -e '^nvidia' -e '^cuda' -e '^triton' > constraints.txt

# The harness comes first, or pip looks for it elsewhere when a plugin asks for it.
$(INSTALLED): constraints.txt pyproject.toml $(addsuffix /pyproject.toml,$(PLUGINS))
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[test] $(addprefix -e ,$(PLUGINS))
	touch $@

clean:
	rm -rf .venv .venv-oldest .lease site-docs
