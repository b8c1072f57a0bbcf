# SPDX-License-Identifier: GPL-2.0-or-later
# Tests: one small program a file, linked with everything but the mains; scenarios; fuzzers.

UNIT_SRC := $(wildcard tests/unit/*/*.c)
UNIT := $(UNIT_SRC:%.c=$B/%)
KERNEL_SRC := $(filter-out %/harness.c,$(wildcard tests/kernel/*.c))
KERNEL := $(KERNEL_SRC:%.c=$B/%)
TEST_SUPPORT := $B/tests/kernel/harness.o
HELPER_LIB_OBJ := $(filter-out $B/helper/main.o $(WIRE_OBJ),$(HELPER_OBJ))

$B/tests/unit/%: $B/tests/unit/%.o $(HELPER_LIB_OBJ) $B/libvigil.a
	$(SAY) LINK $@
	$Q$(CC) $(LINK) -o $@ $^ $(VIGIL_LIBS) $(HELPER_LIBS) $(CMOCKA_LIBS)

$B/tests/kernel/%: $B/tests/kernel/%.o $(TEST_SUPPORT) $(HELPER_LIB_OBJ) $B/libvigil.a
	$(SAY) LINK $@
	$Q$(CC) $(LINK) -o $@ $^ $(VIGIL_LIBS) $(HELPER_LIBS) $(CMOCKA_LIBS)

# End-to-end scenarios: programs that take TAP's form as well.
SCENARIOS := $(filter-out %/lab.py %/home.py,$(wildcard tests/kernel/*.py))

# What takes the agent's place in tests/vm/hostile.py.
HOSTILE := $B/tests/vm/hostile
$(HOSTILE): $(patsubst %.c,$B/%.o,$(wildcard tests/vm/hostile*.c)) $B/libvigil.a
	$(SAY) LINK $@
	$Q$(CC) $(LINK) -o $@ $^ $(VIGIL_LIBS)

tests: $(UNIT) $(KERNEL) $(HOSTILE)

# --- the commands of the README --------------------------------------------------------------

# What pkg-config says is read when make starts, so what was just installed needs a fresh one.
check: deps
	@$(MAKE) --no-print-directory $(PARALLEL) check-all

check-all: all docs tests
	$(SAY) LINT .
	$Q tests/lint
	$Q$(MAKE) --no-print-directory clang
	$Q$(MAKE) --no-print-directory fuzz SECONDS=$(FUZZ_SECONDS)
	$Q$(MAKE) --no-print-directory test-all
	$Q$(if $(filter 0,$(VM)),echo '  SKIP    guests: VM=0',$(MAKE) --no-print-directory test-vm)

# All tests once more, on a build with ASan and UBSan.
check-san:
	$Q$(MAKE) --no-print-directory $(PARALLEL) SAN=1 all tests
	$Q$(MAKE) --no-print-directory SAN=1 test-all

# What is shipped is looked at once, not for each kind of build.
SHIPPED := $(if $(filter build,$B),tests/units tests/package tests/nix/check tests/oci/check)
test-all: all tests $(if $(SHIPPED),docs $(if $(DEB_ARCH),deb))
	$Q tests/run $(UNIT) $(KERNEL) $(SCENARIOS) $(SHIPPED)

# What takes real machines: tests/vm/NAME.py on guests under QEMU, two scenarios at a time.
GUESTS := $(patsubst tests/vm/%.json,%,$(wildcard tests/vm/*.json))
test-vm: all $(HOSTILE) $(if $(DEB_ARCH),deb)
	$Q tests/run --jobs 2 $(GUESTS:%='tests/vm/run %')

demo: deps-build
	@$(MAKE) --no-print-directory $(PARALLEL) demo-run

demo-run: all
	$Q examples/demo.py

# The fast part: what needs no namespace and no clang.
test: all $(UNIT)
	$Q tests/run $(UNIT)

test-kernel: all $(KERNEL)
	$Q tests/run $(KERNEL) $(SCENARIOS)

deps:
	@tests/deps all

deps-build:
	@tests/deps build

lint: all
	$Q tests/lint

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

# The other compiler, for its warnings.
clang:
	$Q$(MAKE) --no-print-directory B=build-clang SAN=0 CC=$(CLANG) all tests

# --- fuzzing: make fuzz SECONDS=600 ------------------------------------------------------------

FUZZ_SECONDS ?= 30
SECONDS ?= 600
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
FUZZERS := $(FUZZ_SRC:tests/fuzz/%.c=build-fuzz/%)
FUZZ_CFLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

FUZZ_OBJ := $(HELPER_LIB_OBJ:$B/%=build-fuzz/%) build-fuzz/libvigil.a

# One make for what they share, so that two don't write the same file.
fuzz-objects:
	$Q$(MAKE) --no-print-directory -s B=build-fuzz SAN=0 CC=$(CLANG) HARDEN= \
		CFLAGS="$(FUZZ_CFLAGS)" $(FUZZ_OBJ)

build-fuzz/%: tests/fuzz/%.c fuzz-objects
	$(SAY) FUZZER $*
	$Q$(CLANG) -std=gnu17 -D_GNU_SOURCE -I. -Isrc $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< \
		$(FUZZ_OBJ) $(VIGIL_LIBS) $(HELPER_LIBS)

fuzz: $(FUZZERS)
	$Q tests/fuzz/run $(SECONDS) $(FUZZERS)

.PHONY: tests check check-all check-san test-all test-vm demo demo-run test test-kernel deps deps-build \
	lint format clang fuzz fuzz-objects
