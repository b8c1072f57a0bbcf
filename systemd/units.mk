# SPDX-License-Identifier: GPL-2.0-or-later
# systemd's part of an installation: valid as it stands for PREFIX=/usr, else with the paths of
# this one.

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

.PHONY: install-units uninstall-units
