# SPDX-License-Identifier: BSD-2-Clause
#
# make            build everything into build/
# sudo make demo  install what is missing, then tell the whole story with real programs
# sudo make test  install what is missing, then run every test
#
# Also: check (unit tests alone, no root), campaign, fuzz (SECONDS=N), bench, lint, format,
# install, uninstall, clean,
# distclean (also what deps fetched into .deps/). OPENLDAP_SRC=DIR compiles slapd's overlay
# against that source tree, configured, instead of the source of Debian's slapd.
# SANITIZE=1 builds with ASan and UBSan into build-sanitize/; WERROR=1 makes warnings errors.
# COVERAGE=1 builds with gcov into build-coverage/; `make test` then ends in which lines ran.

prefix      ?= /usr
sysconfdir  ?= /etc
bindir      ?= $(prefix)/bin
sbindir     ?= $(prefix)/sbin
mandir      ?= $(prefix)/share/man
docdir      ?= $(prefix)/share/doc/ldap-pat
multiarch   := $(shell $(CC) -print-multiarch 2>/dev/null)
libdir      ?= $(prefix)/lib$(if $(multiarch),/$(multiarch))
pamdir      ?= $(libdir)/security
sasldir     ?= $(libdir)/sasl2
slapddir    ?= $(prefix)/lib/ldap
bashcompdir ?= $(prefix)/share/bash-completion/completions
zshcompdir  ?= $(prefix)/share/zsh/vendor-completions
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
# Leaks are looked for in the unit tests. patd cannot look for its own: nothing may trace it.
SANITIZER_OPTIONS := ASAN_OPTIONS=detect_leaks=0
else ifeq ($(COVERAGE),1)
BUILD    := build-coverage
CFLAGS   := -O0 -g
HARDEN   += --coverage -fprofile-update=atomic
LINKHARD := --coverage -Wl,-z,relro -Wl,-z,now
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
include sasl_pat/module.mk
include http_pat/module.mk
include patd/module.mk
include patctl/module.mk
include slapd_pat/module.mk
include schema/module.mk
include tests/module.mk

all: $(ALL)

# Objects mirror the tree below $(OBJ), and so do the dependencies that they generate.
define compile
	@mkdir -p $(@D)
	@$(call say,CC $<)
	$(Q)$(CC) $(PAT_CPPFLAGS) $(PAT_CFLAGS) -MMD -MP -c -o $@ $<
endef

$(OBJ)/%.o: %.c
	$(compile)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# Debian's packages by apt; starts no service. Everything below calls it first.
deps:
	@tests/deps

demo: deps
	@$(MAKE) --no-print-directory all
	@tests/demo

test: deps
	@$(MAKE) --no-print-directory all tools
ifeq ($(COVERAGE),1)
	@BUILD=$(BUILD) tests/coverage
else
	@BUILD=$(BUILD) SANITIZE=$(SANITIZE) $(SANITIZER_OPTIONS) tests/run
endif

# The long forms of tests that make test runs in short: slapd is killed 200 times during
# removals of members; patctl lists 100,000 tokens; two providers are apart for a minute, and
# are stopped, killed and cut off ten times each while they catch up.
campaign: deps
	@$(MAKE) --no-print-directory all tools
	@PAT_KILLS=$${PAT_KILLS:-200} BUILD=$(BUILD) tests/run tests/e2e/hook-atomic.bats
	@PAT_SPLIT_SECONDS=$${PAT_SPLIT_SECONDS:-60} PAT_RACE_ROUNDS=$${PAT_RACE_ROUNDS:-60} \
	    PAT_REVOKE_ROUNDS=$${PAT_REVOKE_ROUNDS:-30} BUILD=$(BUILD) \
	    tests/run tests/e2e/distributed.bats
	@PAT_CONVERGE_ROUNDS=$${PAT_CONVERGE_ROUNDS:-10} BUILD=$(BUILD) \
	    tests/run tests/e2e/hook-converge.bats
	@PATCTL_TOKENS=$${PATCTL_TOKENS:-100000} BUILD=$(BUILD) tests/run tests/e2e/patctl.bats

# SECONDS for each harness, two at a time; what is found new is kept in $(BUILD)/fuzz, and what
# crashes beside it. The corpus of the tree is replayed first.
fuzz: deps
	@SECONDS_EACH=$(or $(SECONDS),60) BUILD=$(BUILD) tests/fuzz/run

# Ours beside what people would use instead, as ratios of one run on this machine. QUICK=1
# takes less than three minutes; SECTIONS='cost http' measures these alone; OUT is where the
# figures and plots go.
bench: deps
	@$(MAKE) --no-print-directory all bench-tools
	@QUICK=$(QUICK) OUT=$(OUT) BUILD=$(BUILD) tests/bench/run $(SECTIONS)

SOURCES = $(shell git ls-files '*.c' '*.h')

format:
	clang-format -i $(SOURCES)

lint: deps
	@tests/lint

# Paths in units are those of this installation.
install: all
	install -d $(DESTDIR)$(sbindir) $(DESTDIR)$(bindir) $(DESTDIR)$(pamdir) $(DESTDIR)$(sasldir) \
	    $(DESTDIR)$(slapddir) $(DESTDIR)$(sysconfdir)/patd $(DESTDIR)$(unitdir) \
	    $(DESTDIR)$(sysusersdir) $(DESTDIR)$(docdir)/schema $(DESTDIR)$(mandir)/man1 \
	    $(DESTDIR)$(mandir)/man5 $(DESTDIR)$(mandir)/man7 $(DESTDIR)$(mandir)/man8
	install -m 755 $(BUILD)/patd $(DESTDIR)$(sbindir)/patd
	install -m 755 $(BUILD)/pat-fcgi $(DESTDIR)$(sbindir)/pat-fcgi
	install -m 755 $(BUILD)/patctl $(DESTDIR)$(bindir)/patctl
	install -d $(DESTDIR)$(bashcompdir) $(DESTDIR)$(zshcompdir)
	install -m 644 patctl/completion.bash $(DESTDIR)$(bashcompdir)/patctl
	install -m 644 patctl/_patctl $(DESTDIR)$(zshcompdir)/_patctl
	install -m 644 $(BUILD)/pam_pat.so $(DESTDIR)$(pamdir)/pam_pat.so
	install -m 644 $(BUILD)/sasl2/libpat.so $(DESTDIR)$(sasldir)/libpat.so
	install -m 644 $(BUILD)/slapd/pat.so $(DESTDIR)$(slapddir)/pat.so
	install -m 644 patd/patd.conf $(DESTDIR)$(docdir)/patd.conf
	[ -e $(DESTDIR)$(sysconfdir)/patd/patd.conf ] || \
	    install -m 644 patd/patd.conf $(DESTDIR)$(sysconfdir)/patd/patd.conf
	sed 's|@sbindir@|$(sbindir)|; s|@sysconfdir@|$(sysconfdir)|' patd/patd.service \
	    >$(DESTDIR)$(unitdir)/patd.service
	install -m 644 patd/patd.socket patd/patd-saslauthd.socket $(DESTDIR)$(unitdir)
	install -m 644 patd/patd.sysusers $(DESTDIR)$(sysusersdir)/patd.conf
	sed 's|@sbindir@|$(sbindir)|; s|@sysconfdir@|$(sysconfdir)|' http_pat/pat-fcgi.service \
	    >$(DESTDIR)$(unitdir)/pat-fcgi.service
	install -m 644 http_pat/pat-fcgi.socket $(DESTDIR)$(unitdir)
	install -m 644 http_pat/pat-fcgi.sysusers $(DESTDIR)$(sysusersdir)/pat-fcgi.conf
	install -m 644 http_pat/nginx.example http_pat/apache.example $(DESTDIR)$(docdir)
	install -m 644 README.md SECURITY.md NEWS LICENSE pam_pat/pam_pat.example sasl_pat/sasl_pat.example \
	    pam_pat/pam_pat.pam-config $(DESTDIR)$(docdir)
	install -m 644 schema/*.ldif schema/pat.schema $(DESTDIR)$(docdir)/schema
	install -m 644 docs/*.md $(DESTDIR)$(docdir)
	install -d $(DESTDIR)$(docdir)/fail2ban
	install -m 644 docs/fail2ban/*.conf $(DESTDIR)$(docdir)/fail2ban
	install -m 644 patctl/patctl.1 $(DESTDIR)$(mandir)/man1
	install -m 644 patd/patd.conf.5 slapd_pat/slapo-pat.5 $(DESTDIR)$(mandir)/man5
	install -m 644 schema/pat.7 $(DESTDIR)$(mandir)/man7
	install -m 644 pam_pat/pam_pat.8 sasl_pat/sasl_pat.8 patd/patd.8 http_pat/pat-fcgi.8 \
	    $(DESTDIR)$(mandir)/man8

# Leaves the configuration, which is the administrator's. A PAM stack that names a module
# which is not there refuses everybody, and a slapd that is to load one does not start, so
# that such lines must go first.
uninstall:
	@! grep -ls '^[^#]*pam_pat\.so' $(DESTDIR)/etc/pam.d/* || \
	    { echo 'uninstall: these PAM services still use pam_pat.so: take it out first' >&2; \
	    exit 1; }
	@! grep -rilsE '^(olcModuleLoad:|moduleload[[:blank:]])(.*[/}[:blank:]"])?pat(\.(so|la))?"?[[:blank:]]*$$' \
	    $(DESTDIR)/etc/ldap/slapd.conf $(DESTDIR)/etc/ldap/slapd.d | grep . || \
	    { echo 'uninstall: this configuration of slapd still loads pat.so: take it out first' >&2; \
	    exit 1; }
	rm -f $(DESTDIR)$(sbindir)/patd $(DESTDIR)$(bindir)/patctl \
	    $(DESTDIR)$(pamdir)/pam_pat.so $(DESTDIR)$(sasldir)/libpat.so \
	    $(DESTDIR)$(bashcompdir)/patctl $(DESTDIR)$(zshcompdir)/_patctl \
	    $(DESTDIR)$(slapddir)/pat.so \
	    $(DESTDIR)$(mandir)/man5/slapo-pat.5 $(DESTDIR)$(unitdir)/patd.service \
	    $(DESTDIR)$(unitdir)/patd.socket $(DESTDIR)$(unitdir)/patd-saslauthd.socket \
	    $(DESTDIR)$(sysusersdir)/patd.conf \
	    $(DESTDIR)$(mandir)/man1/patctl.1 $(DESTDIR)$(mandir)/man5/patd.conf.5 \
	    $(DESTDIR)$(mandir)/man7/pat.7 $(DESTDIR)$(mandir)/man8/pam_pat.8 \
	    $(DESTDIR)$(mandir)/man8/sasl_pat.8 $(DESTDIR)$(mandir)/man8/patd.8 \
	    $(DESTDIR)$(sbindir)/pat-fcgi $(DESTDIR)$(unitdir)/pat-fcgi.service \
	    $(DESTDIR)$(unitdir)/pat-fcgi.socket $(DESTDIR)$(sysusersdir)/pat-fcgi.conf \
	    $(DESTDIR)$(mandir)/man8/pat-fcgi.8
	rm -rf $(DESTDIR)$(docdir)

clean:
	rm -rf build build-coverage build-sanitize

distclean: clean
	rm -rf .deps

.PHONY: all deps demo test campaign fuzz bench format lint install uninstall clean distclean
.DELETE_ON_ERROR:
.SUFFIXES:
