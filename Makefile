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
VIGIL_LIBS := $(shell pkg-config --libs $(VIGIL_PKGS) 2>/dev/null)
HELPER_LIBS := $(shell pkg-config --libs $(HELPER_PKGS) 2>/dev/null)
CMOCKA_LIBS := $(shell pkg-config --libs cmocka 2>/dev/null)

MAINS := src/agent/main.c src/cli/main.c src/cli/docgen.c
SRC := $(filter-out $(MAINS),$(wildcard src/*/*.c))
HELPER_SRC := $(wildcard helper/*.c)
OBJ := $(SRC:%.c=$B/%.o)
HELPER_OBJ := $(HELPER_SRC:%.c=$B/%.o)
# What both sides of the wall share.
WIRE_OBJ := $B/helper/wire.o

all: $B/vigil-helper $B/vigil-agent $B/vigil

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

# --- install -----------------------------------------------------------------------------------

INSTALL := install
LIBEXECDIR ?= $(PREFIX)/lib/vigil
DOCDIR ?= $(PREFIX)/share/doc/vigil
install: all docs install-docs install-units
	$(INSTALL) -Dm755 $B/vigil $(DESTDIR)$(PREFIX)/bin/vigil
	$(INSTALL) -Dm755 -t $(DESTDIR)$(LIBEXECDIR) $B/vigil-agent $B/vigil-helper
	$(INSTALL) -Dm644 -t $(DESTDIR)$(DOCDIR)/examples $(wildcard examples/*.yml examples/*.txt)
	$(INSTALL) -Dm644 -t $(DESTDIR)$(DOCDIR) README.md $(wildcard docs/*.md)

# Leaves the policy and what was recorded.
uninstall: uninstall-units
	rm -rf $(addprefix $(DESTDIR)$(PREFIX)/share/man/,$(foreach page,$(notdir $(MAN)),man$(subst .,,$(suffix $(page)))/$(page)))
	rm -rf $(DESTDIR)$(PREFIX)/bin/vigil $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(DOCDIR) \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/vigil \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_vigil \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/vigil.fish

# Each part's own targets; a source package leaves tests out.
include $(wildcard systemd/*.mk debian/*.mk nix/*.mk oci/*.mk tests/*.mk)

help:
	@echo 'make               build the programs in $B/'
	@echo 'make demo          install what is missing, build, and show a gateway at work'
	@echo 'make check         install what is missing, and run lint, all tests and short fuzzing'
	@echo 'make test          unit and golden tests alone'
	@echo 'make test-kernel   tests on the kernel, in namespaces of their own'
	@echo 'make test-vm       tests on guests under QEMU; VM=0 leaves them out of make check'
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
	@echo 'make deps          install what is missing; make deps-build: for a build alone'
	@echo 'make lint format clang clean'
	@echo
	@echo 'V=1 shows commands, SAN=1 builds with ASan and UBSan in build-san/, CC= chooses the compiler'

clean:
	rm -rf build build-san build-clang build-fuzz build-fuzz-san

.PHONY: all docs install install-docs uninstall help clean
.SECONDARY:

-include $(shell find $B -path $B/deb -prune -o -type f -name '*.d' -print 2>/dev/null)
