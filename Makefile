# SPDX-License-Identifier: GPL-2.0-or-later
# Vigil. `make` builds, `make check` shows that it works, `make demo` shows it working,
# `make help` lists the rest.

PREFIX ?= /usr
DESTDIR ?=
CC ?= gcc
CLANG ?= clang
V ?= 0
SAN ?= 0
# Unless told otherwise, as many compilers as there are processors.
PARALLEL := $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

B := build$(if $(filter 1,$(SAN)),-san)
export VIGIL_BUILD := $B

VERSION := 0.1.0

ifeq ($(V),0)
Q := @
SAY = @printf '  %-7s %s\n'
else
Q :=
SAY = @:
endif

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wmissing-prototypes -Wstrict-prototypes \
	-Wundef -Wpointer-arith -Wwrite-strings -Wno-missing-field-initializers -Werror
HARDEN := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fno-strict-overflow
CFLAGS ?= -O2 -g
ifeq ($(SAN),1)
CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HARDEN := -fPIE
SANFLAGS := -fsanitize=address,undefined
endif
# Where it is built is nobody's business, and would make each copy's bytes its own.
PLACELESS := -ffile-prefix-map=$(CURDIR)=.
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -I. -Isrc $(WARNINGS) $(HARDEN) \
	$(PLACELESS) $(CFLAGS)
LINK := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS)

VIGIL_PKGS := libsystemd jansson sqlite3 yaml-0.1 libseccomp libmnl libmd
HELPER_PKGS := libnftables libmnl libseccomp
have_pkgs := $(shell pkg-config --exists $(VIGIL_PKGS) $(HELPER_PKGS) cmocka 2>/dev/null && echo yes)
ifeq ($(have_pkgs),yes)
VIGIL_LIBS := $(shell pkg-config --libs $(VIGIL_PKGS))
HELPER_LIBS := $(shell pkg-config --libs $(HELPER_PKGS))
CMOCKA_LIBS := $(shell pkg-config --libs cmocka)
endif

MAINS := src/agent/main.c src/cli/main.c src/cli/docgen.c
SRC := $(filter-out $(MAINS),$(wildcard src/*/*.c))
HELPER_SRC := $(wildcard helper/*.c)
OBJ := $(SRC:%.c=$B/%.o)
HELPER_OBJ := $(HELPER_SRC:%.c=$B/%.o)
# What both sides of the wall share.
WIRE_OBJ := $(patsubst %.c,$B/%.o,$(wildcard helper/wire.c))

PROGRAMS := $(if $(wildcard helper/main.c),$B/vigil-helper) \
	$(if $(wildcard src/agent/main.c),$B/vigil-agent) $(if $(wildcard src/cli/main.c),$B/vigil)

all: $(PROGRAMS)

$B/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$Q$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The interface's description is taken into the program as it is.
$B/src/agent/methods.o: src/agent/io.vigil.Agent.varlink

$B/libvigil.a: $(OBJ) $(WIRE_OBJ)
	@rm -f $@
	$Q$(AR) rcs $@ $^

$B/vigil-helper: $(HELPER_OBJ)
	$(SAY) LINK $@
	$Q$(CC) $(LINK) -o $@ $^ $(HELPER_LIBS)

$B/vigil-agent: $B/src/agent/main.o $B/libvigil.a
	$(SAY) LINK $@
	$Q$(CC) $(LINK) -o $@ $^ $(VIGIL_LIBS)

$B/vigil: $B/src/cli/main.o $B/libvigil.a
	$(SAY) LINK $@
	$Q$(CC) $(LINK) -o $@ $^ $(VIGIL_LIBS)

# --- tests: one small program a file, linked with everything but the mains -----------------

UNIT_SRC := $(wildcard tests/unit/*/*.c)
UNIT := $(UNIT_SRC:%.c=$B/%)
KERNEL_SRC := $(filter-out %/harness.c,$(wildcard tests/kernel/*.c))
KERNEL := $(KERNEL_SRC:%.c=$B/%)
TEST_SUPPORT := $(patsubst %.c,$B/%.o,$(wildcard tests/kernel/harness.c))
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

hostile: $(HOSTILE)

.PHONY: hostile

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

# All tests once more, on a build with ASan and UBSan.
check-san:
	$Q$(MAKE) --no-print-directory $(PARALLEL) SAN=1 all tests
	$Q$(MAKE) --no-print-directory SAN=1 test-all

# What is shipped is looked at once, not for each kind of build.
SHIPPED := $(if $(filter build,$B),tests/units tests/package tests/nix/check tests/oci/check)
test-all: all tests $(if $(SHIPPED),docs $(if $(DEB_ARCH),deb))
	$Q tests/run $(UNIT) $(KERNEL) $(SCENARIOS) $(SHIPPED)

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

# --- manual pages and completions: from the table of commands, and the prose in man/ ----------

$B/vigil-docgen: $B/src/cli/docgen.o $B/libvigil.a
	$(SAY) LINK $@
	$Q$(CC) $(LINK) -o $@ $^ $(VIGIL_LIBS)

# A command's page is the table's, with man/vigil-NAME.part in it where that exists.
COMMANDS := $(patsubst src/cli/cmd_%.c,%,$(wildcard src/cli/cmd_*.c))
MAN_WRITTEN := $(wildcard man/*.scd)
MAN := $B/man/vigil.1 $(COMMANDS:%=$B/man/vigil-%.1) $(MAN_WRITTEN:man/%.scd=$B/man/%)
COMPLETIONS := $B/completions/vigil.bash $B/completions/_vigil $B/completions/vigil.fish

$B/man/%.1: $B/vigil-docgen $(wildcard man/*.part)
	@mkdir -p $(@D)
	$(SAY) MAN $@
	$Q$B/vigil-docgen man $(*:vigil-%=%) $(wildcard man/$*.part) > $@.scd
	$Qscdoc < $@.scd > $@.tmp && mv $@.tmp $@

$B/man/vigil-policy.5: man/vigil-policy.5.scd $B/vigil-docgen
	@mkdir -p $(@D)
	$(SAY) MAN $@
	$Q{ cat $< && $B/vigil-docgen services; } > $@.scd
	$Qscdoc < $@.scd > $@.tmp && mv $@.tmp $@

$B/man/%: man/%.scd
	@mkdir -p $(@D)
	$(SAY) MAN $@
	$Qscdoc < $< > $@.tmp && mv $@.tmp $@

$B/completions/vigil.bash: SHELL_NAME = bash
$B/completions/_vigil: SHELL_NAME = zsh
$B/completions/vigil.fish: SHELL_NAME = fish
$(COMPLETIONS): $B/vigil-docgen
	@mkdir -p $(@D)
	$Q$B/vigil-docgen $(SHELL_NAME) > $@.tmp && mv $@.tmp $@

docs: $(MAN) $(COMPLETIONS)

install-docs: docs
	$(INSTALL) -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(filter %.1,$(MAN))
	$(INSTALL) -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man5 $(filter %.5,$(MAN))
	$(INSTALL) -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man8 $(filter %.8,$(MAN))
	$(INSTALL) -Dm644 $B/completions/vigil.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/vigil
	$(INSTALL) -Dm644 -t $(DESTDIR)$(PREFIX)/share/zsh/site-functions $B/completions/_vigil
	$(INSTALL) -Dm644 -t $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d \
		$B/completions/vigil.fish

# Where vigil looks for the helper when it is not near itself.
$B/src/cli/program.o: ALL_CFLAGS += -DLIBEXECDIR='"$(LIBEXECDIR)"'

# --- containers: make oci OUT=build/oci writes archives as well ---------------------------------

oci: all
	$Q oci/build --programs $B $(if $(OUT),--out $(OUT))

check-oci: all
	$Q tests/run tests/oci/check

deps-oci:
	@tests/deps oci

.PHONY: oci check-oci deps-oci

# --- install -----------------------------------------------------------------------------------

INSTALL := install
LIBEXECDIR ?= $(PREFIX)/lib/vigil
DOCDIR ?= $(PREFIX)/share/doc/vigil
install: all docs install-docs install-units
	$(INSTALL) -Dm755 $B/vigil $(DESTDIR)$(PREFIX)/bin/vigil
	$(INSTALL) -Dm755 -t $(DESTDIR)$(LIBEXECDIR) $B/vigil-agent $B/vigil-helper
	$(INSTALL) -Dm644 -t $(DESTDIR)$(DOCDIR)/examples $(wildcard examples/*.yml examples/*.txt)
	$(INSTALL) -Dm644 -t $(DESTDIR)$(DOCDIR) README.md $(wildcard docs/*.md)

# --- systemd's part: valid as it stands for PREFIX=/usr, else with the paths of this one ------

SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
MODULESDIR ?= $(PREFIX)/lib/modules-load.d
SYSCTLDIR ?= $(PREFIX)/lib/sysctl.d
UNITS := $(wildcard systemd/*.service systemd/*.socket)
PLACE := sed -e 's,/usr/lib/vigil/,$(LIBEXECDIR)/,' -e 's,/usr/bin/,$(PREFIX)/bin/,'

# The policy is the administrator's: only its place is made.
install-units:
	$(INSTALL) -d $(DESTDIR)$(SYSCONFDIR)/vigil $(DESTDIR)$(UNITDIR)
	$Qfor unit in $(UNITS); do \
		$(PLACE) $$unit > $(DESTDIR)$(UNITDIR)/$${unit#systemd/} || exit 1; \
		chmod 644 $(DESTDIR)$(UNITDIR)/$${unit#systemd/} || exit 1; \
	done
	$(INSTALL) -Dm644 systemd/modules-load.conf $(DESTDIR)$(MODULESDIR)/vigil.conf
	$(INSTALL) -Dm644 systemd/sysctl.conf $(DESTDIR)$(SYSCTLDIR)/60-vigil.conf

uninstall-units:
	rm -f $(UNITS:systemd/%=$(DESTDIR)$(UNITDIR)/%) \
		$(DESTDIR)$(MODULESDIR)/vigil.conf $(DESTDIR)$(SYSCTLDIR)/60-vigil.conf
	rmdir --ignore-fail-on-non-empty $(wildcard $(DESTDIR)$(SYSCONFDIR)/vigil)

# --- Debian package --------------------------------------------------------------------------

# Built of a copy of what git knows, as the packager's tools write beside their tree.
DEB_ARCH := $(shell dpkg --print-architecture 2>/dev/null)
DEB := build/vigil_$(VERSION)_$(DEB_ARCH).deb
DEB_TREE := build/deb/vigil-$(VERSION)
DEB_SOURCE := $(wildcard $(filter-out tests/% .ci/%,$(shell git ls-files -co --exclude-standard 2>/dev/null)))
deb: deps-deb
	$Q$(MAKE) --no-print-directory $(DEB)

$(DEB): $(DEB_SOURCE)
	$Q[ "$$(dpkg-parsechangelog -S Version)" = $(VERSION) ] || \
		{ echo 'debian/changelog is not about version $(VERSION)' >&2; exit 1; }
	$Qrm -rf build/deb && mkdir -p $(DEB_TREE)
	$Qtar -c $(DEB_SOURCE) | tar -x -C $(DEB_TREE)
	$(SAY) DEB $@
	$Qcd $(DEB_TREE) && env -u MAKEFLAGS -u MAKELEVEL -u VIGIL_BUILD -u V -u SAN \
		DEB_BUILD_OPTIONS='nocheck noautodbgsym' \
		dpkg-buildpackage -b --no-sign -j$(shell nproc) > ../log 2>&1 || \
		{ tail -n 30 ../log >&2; exit 1; }
	$Qcp build/deb/*.deb build/

deps-deb:
	@tests/deps deb

# Leaves the policy and what was recorded.
uninstall: uninstall-units
	rm -rf $(addprefix $(DESTDIR)$(PREFIX)/share/man/,$(foreach page,$(notdir $(MAN)),man$(subst .,,$(suffix $(page)))/$(page)))
	rm -rf $(DESTDIR)$(PREFIX)/bin/vigil $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(DOCDIR) \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/vigil \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_vigil \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/vigil.fish

# --- Nix: NIXPKGS=, a copy of nixpkgs or of nixpkgs.lib, lets it evaluate for real -------------

check-nix: all docs
	$Q tests/run tests/nix/check

.PHONY: check-nix nix-options
nix-options:
	$Q tests/nix/check --options > docs/nixos-options.md.tmp && \
		mv docs/nixos-options.md.tmp docs/nixos-options.md

help:
	@echo 'make               build the programs in $B/'
	@echo 'make demo          install what is missing, build, and show a gateway at work'
	@echo 'make check         install what is missing, and run lint, all tests and short fuzzing'
	@echo 'make test          unit and golden tests alone'
	@echo 'make test-kernel   tests on the kernel, in namespaces of their own'
	@echo 'make check-san     all tests on a build with ASan and UBSan'
	@echo 'make fuzz          longer fuzzing (SECONDS=600)'
	@echo 'make docs          manual pages and completions'
	@echo 'make check-nix     nix/: NIXPKGS= names a copy of nixpkgs, or of its lib/ alone'
	@echo 'make nix-options   write docs/nixos-options.md anew; needs NIXPKGS'
	@echo 'make install       PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make deb           a Debian package, $(DEB)'
	@echo 'make uninstall     what install put there, and neither policy nor records'
	@echo 'make oci           two container images; OUT=DIR writes archives of them as well'
	@echo 'make check-oci     run them with podman; OCI=0 leaves that out of make check'
	@echo 'make deps          install what is missing'
	@echo 'make lint format clang clean'
	@echo
	@echo 'V=1 shows commands, SAN=1 builds with ASan and UBSan in build-san/, CC= chooses the compiler'

clean:
	rm -rf build build-san build-clang build-fuzz build-fuzz-san

.PHONY: all tests check check-all check-san test-all demo demo-run test test-kernel deps \
	deps-build lint format clang fuzz fuzz-objects docs help clean \
	install install-docs install-units uninstall uninstall-units deb deps-deb
.SECONDARY:

-include $(shell find $B -path $B/deb -prune -o -type f -name '*.d' -print 2>/dev/null)
