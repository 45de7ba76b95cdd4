# make setup   .venv with everything, exact versions
# make demo    render defects, train, test, and show where to look: about five minutes on two cores
# make demo-augment    edit forty of these pictures towards peeling with the small model: about six minutes
# make test    the whole suite
# make style   ruff
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
RUN := work_dirs/default/exp/quick/demo_blade
RECIPE := configs/quick/demo_blade.py

.PHONY: setup demo demo-augment test style

setup: .venv/.ready

.venv/.ready: setup.py requirements/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c requirements/constraints.txt -e '.[augment,seggpt,smp,search,cluster,export,dev]'
	@# A torchvision built for CUDA cannot be imported beside a CPU torch, and mmseg and diffusers then fail with it.
	@# Tests of the smp extra use its networks, which are plain torch, from a folder where nobody else looks.
	@$(BIN)/python -c 'import torchvision' 2>/dev/null || { \
		echo 'torchvision does not fit this torch and is put aside; models of the smp extra need a torchvision that fits'; \
		rm -rf .venv/torchvision && mkdir .venv/torchvision && \
		mv "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')"/torchvision* .venv/torchvision/; }
	touch $@

demo: setup
	$(BIN)/python tools/render_demo_data.py --out data/demo_blade --seed 0
	$(BIN)/python tools/train.py $(RECIPE) --resume
	$(BIN)/python tools/test.py $(RECIPE) $(RUN) --show-dir $(RUN)/test/overlays
	@echo
	@echo 'Every test image, truth and prediction:  $(RUN)/test/overlays/'
	@echo 'Your own images: copy them to data/mine/{img_dir,ann_dir}/{train,val,test}, then'
	@echo '  $(BIN)/python tools/check_dataset.py data/mine'
	@echo 'and follow "Your own images" in README.md: one file of a few lines, and'
	@echo '  $(BIN)/python tools/train.py configs/quick/ten_minutes.py --swap datasets=mine'

demo-augment: setup
	$(BIN)/python tools/render_demo_data.py --out data/demo_blade --seed 0
	$(BIN)/python augment/p2p_edit.py --word peeling --data data/demo_blade --model pocket --limit 40

test: setup
	$(BIN)/python -m pytest -n 2 --durations=10

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
