# SPDX-License-Identifier: Apache-2.0
# The two commands of the README: `make demo` and `make check`. `make help` lists the rest.
BUILD ?= build
MESON_FLAGS ?= --buildtype=debugoptimized

.PHONY: help deps build check demo demo-trust bench crash fuzz analyze model spec-map format clean
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n",$$1,$$2}' $(MAKEFILE_LIST)
deps: ## install what the build, the tests and the demo need (Debian packages)
	@tools/deps
$(BUILD)/build.ninja:
	@meson setup $(MESON_FLAGS) $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
build: deps ## build everything into build/
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja
	@ninja -C $(BUILD) $$([ -t 1 ] || echo --quiet)
	@tools/collect $(BUILD)
check: build ## every test and gate; the last line is "N passed, N failed, N skipped"
	@tools/check $(BUILD)
demo: build ## real traffic through a firewall in an enclave, on this machine
	@tests/system/demo/run.sh $(BUILD)
demo-trust: build ## a node under QEMU with a TPM, attested for real: enrolment, a bad container, a bad host, a reboot
	@tests/system/trust_e2e/run.sh $(BUILD)
bench: build ## measure; results in bench/results/ and docs/benchmarks.md
	@bench/run $(BUILD)
crash: build ## kill -9 the trust monitor 50 times under load: no verdict lost or invented
	@tests/system/trustd/run.sh $(BUILD) 50 kills
fuzz: deps ## fuzz every parser for longer (FUZZ_SECONDS each, default 300)
	@tools/fuzz $${FUZZ_SECONDS:-300}
analyze: build ## clang-tidy, its analyzer as deep as it goes (make check: shallow)
	@tools/gates/tidy $(BUILD) deep
model: deps ## check the model of the handshake, with larger bounds than make check does
	@model/check $(BUILD) --long
spec-map: ## docs/spec-map.md anew, from the clauses that comments name
	@tools/spec-map
format: ## clang-format every C file in place
	@git ls-files '*.c' '*.h' | xargs clang-format -i
clean: ## remove what was built
	@rm -rf build build-*
