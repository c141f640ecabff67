# SPDX-License-Identifier: BSD-2-Clause
#
# make            build everything into build/
# sudo make demo  install what is missing, then tell the whole story with real programs
# sudo make test  install what is missing, then run every test
#
# Also: check (unit tests alone, no root), bench, lint, format, install, uninstall, clean.
# SANITIZE=1 builds with ASan and UBSan into build-sanitize/; WERROR=1 makes warnings errors.

prefix      ?= /usr
sysconfdir  ?= /etc
bindir      ?= $(prefix)/bin
sbindir     ?= $(prefix)/sbin
mandir      ?= $(prefix)/share/man
docdir      ?= $(prefix)/share/doc/ldap-pat
multiarch   := $(shell $(CC) -print-multiarch 2>/dev/null)
libdir      ?= $(prefix)/lib$(if $(multiarch),/$(multiarch))
pamdir      ?= $(libdir)/security
unitdir     ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d

CFLAGS   ?= -O2 -g
BUILD    := build
WARNINGS := -Wall -Wextra -Wshadow -Wcast-qual -Wwrite-strings -Wmissing-prototypes \
	-Wstrict-prototypes -Wformat=2 -Wpointer-arith -Wvla -Wundef
HARDEN   := -fstack-protector-strong -fPIC -fvisibility=hidden
LINKHARD := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,defs

ifeq ($(SANITIZE),1)
BUILD    := build-sanitize
HARDEN   += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The sanitizers' runtime is looked up in the program: not everything can be defined here.
LINKHARD := -fsanitize=address,undefined -Wl,-z,relro -Wl,-z,now
else
HARDEN   += -D_FORTIFY_SOURCE=2
endif
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif

PAT_CPPFLAGS = -D_GNU_SOURCE -Icommon $(CPPFLAGS)
PAT_CFLAGS   = -std=gnu11 $(WARNINGS) $(HARDEN) $(CFLAGS)
PAT_LDFLAGS  = $(LINKHARD) $(LDFLAGS)

OBJ          = $(BUILD)/obj

# V=1 shows the commands.
ifeq ($(V),1)
say          = :
else
Q            = @
say          = echo '  $(1)'
endif

all:

include common/module.mk
include pam_pat/module.mk
include patd/module.mk
include patctl/module.mk
include schema/module.mk
include tests/module.mk

all: $(ALL)

# Objects mirror the tree below $(OBJ), and so do the dependencies that they generate.
$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	@$(call say,CC $<)
	$(Q)$(CC) $(PAT_CPPFLAGS) $(PAT_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

clean:
	rm -rf build build-sanitize

.PHONY: all clean
.DELETE_ON_ERROR:
.SUFFIXES:
