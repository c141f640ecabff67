# SPDX-License-Identifier: BSD-2-Clause
# slapd's overlay, compiled with slapd's internal headers: those that fetch-source put into
# .deps/, or with OPENLDAP_SRC=DIR those of the source tree that slapd was built from.

SLAPD_PAT_SRC := config converge event host member mint outer overlay owner reserve stack \
	token tree txn

# Looked up once, and only when the module is built.
once = $(eval $(1) := $(2))$($(1))

# The module compares SLAPD_VERSION with the word after "slapd" in the Versionstr of the
# slapd that loads it. SLAPD_DEFS are the choices of its configure that headers depend on,
# among them LDAP_SLAPI, SLAP_DYNACL and HAVE_TLS, which change the layout of structures.
ifneq ($(OPENLDAP_SRC),)
# portable.h has all of that, if slapd was built there.
SLAPD_SRC     := $(OPENLDAP_SRC)
SLAPD_VERSION  = $(call once,SLAPD_VERSION,$(shell sed -n \
	's/^.define OPENLDAP_VERSION "\(.*\)"/\1/p' $(SLAPD_SRC)/include/portable.h 2>/dev/null))
SLAPD_DEFS    :=
SLAPD_MARK    := SLAPD_MODULES
SLAPD_ADVICE  := run there ./configure, as for the slapd that is to load the module, and \
	then: make -C include ldap_config.h
else
# fetch-source configures only what any slapd has. Debian's Versionstr has the version of
# the binary package (with the +b1 of a rebuild), which the source does not know.
SLAPD_SRC      = $(call once,SLAPD_SRC,.deps/openldap-$(shell \
	dpkg-query -W -f='$${source:Version}' slapd 2>/dev/null))
SLAPD_VERSION  = $(call once,SLAPD_VERSION,$(shell dpkg-query -W -f='$${Version}' slapd 2>/dev/null))
SLAPD_DEFS    := -D_FILE_OFFSET_BITS=64 -DSLAPD_MODULES=1 -DLDAP_SLAPI=1 -DSLAP_DYNACL=1 \
	-DHAVE_TLS=1 -DHAVE_GNUTLS=1 -DHAVE_CYRUS_SASL=1
SLAPD_MARK    := OPENLDAP_VERSION
SLAPD_ADVICE  := run: make deps (as root, where packages are missing), or build with OPENLDAP_SRC=DIR
endif

# The headers are not ours to warn about.
SLAPD_PAT_CPPFLAGS = $(SLAPD_DEFS) -DPAT_SLAPD_VERSION='"$(SLAPD_VERSION)"' \
	-isystem $(SLAPD_SRC)/include -isystem $(SLAPD_SRC)/servers/slapd \
	-isystem $(SLAPD_SRC)/libraries/liblmdb -isystem $(SLAPD_SRC)/libraries/liblber

SLAPD_PAT_OBJ      := $(SLAPD_PAT_SRC:%=$(OBJ)/slapd_pat/%.o)
SLAPD_PAT_FAIL_OBJ := $(SLAPD_PAT_SRC:%=$(OBJ)/failpoints/slapd_pat/%.o)
SLAPD_PAT_ALL_OBJ  := $(SLAPD_PAT_OBJ) $(SLAPD_PAT_FAIL_OBJ)

ifeq ($(SANITIZE),1)
# ASan must be there before slapd starts, and stock slapd has none; UBSan comes as a library
# like any other (gcc), or does with a trap instead (clang). So do the core's objects here.
SLAPD_PAT_UBSAN := -fsanitize=undefined -fno-sanitize-recover=all \
	$(if $(findstring clang,$(shell $(CC) --version)),-fsanitize-trap=all)
SLAPD_PAT_CORE  := $(CLIENT_SRC:%=$(OBJ)/noasan/common/%.o) $(CORE_SRC:%=$(OBJ)/noasan/common/%.o)
SLAPD_PAT_LIBS  := $(OBJ)/noasan/libpat.a

$(SLAPD_PAT_CORE) $(SLAPD_PAT_ALL_OBJ): HARDEN = -fstack-protector-strong -fPIC \
	-fvisibility=hidden -fno-omit-frame-pointer $(SLAPD_PAT_UBSAN)

$(SLAPD_PAT_CORE): $(OBJ)/noasan/%.o: %.c
	$(compile)

$(SLAPD_PAT_LIBS): $(SLAPD_PAT_CORE)
	@$(call say,AR $@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^
else
SLAPD_PAT_UBSAN := $(if $(filter 1,$(COVERAGE)),--coverage)
SLAPD_PAT_LIBS  := $(BUILD)/libpat.a $(BUILD)/libpat-client.a
endif

# Made anew when slapd, and so its headers, or the flags changed; says what is missing.
SLAPD_PAT_FLAGS := $(OBJ)/slapd_pat/flags

$(SLAPD_PAT_FLAGS): FORCE
	@wrong() { echo "slapd_pat: $(SLAPD_SRC)/include/$$1; $(SLAPD_ADVICE)" >&2; exit 1; }; \
	for header in portable.h ldap_config.h; do \
	    [ -f $(SLAPD_SRC)/include/$$header ] || wrong "$$header: no such file"; \
	done; \
	grep -q '^.define $(SLAPD_MARK)\b' $(SLAPD_SRC)/include/portable.h || \
	    wrong 'portable.h: does not define $(SLAPD_MARK)'
	@mkdir -p $(@D)
	@printf '%s\n' $(SLAPD_PAT_CPPFLAGS) | cmp -s - $@ || \
	    printf '%s\n' $(SLAPD_PAT_CPPFLAGS) >$@

$(SLAPD_PAT_ALL_OBJ): PAT_CPPFLAGS += $(SLAPD_PAT_CPPFLAGS)
$(SLAPD_PAT_ALL_OBJ): $(SLAPD_PAT_FLAGS)

# Test builds stop or fail where they are told to.
$(SLAPD_PAT_FAIL_OBJ): PAT_CPPFLAGS += -DPAT_FAILPOINTS
$(SLAPD_PAT_FAIL_OBJ): $(OBJ)/failpoints/%.o: %.c
	$(compile)

$(BUILD)/slapd/pat.so: $(SLAPD_PAT_OBJ)
$(BUILD)/tests/slapd/pat.so: $(SLAPD_PAT_FAIL_OBJ)

# slapd's own symbols, libldap's among them, are resolved when it loads the module.
$(BUILD)/slapd/pat.so $(BUILD)/tests/slapd/pat.so: $(SLAPD_PAT_LIBS) slapd_pat/pat.map
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) -shared $(SLAPD_PAT_UBSAN) -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack $(LDFLAGS) \
	    -Wl,--exclude-libs,ALL -Wl,--version-script=slapd_pat/pat.map \
	    -o $@ $(filter %.o,$^) $(SLAPD_PAT_LIBS) -Wl,--as-needed -lcrypto -lz

ALL += $(BUILD)/slapd/pat.so
tools: $(BUILD)/tests/slapd/pat.so

# For tests/lint: what the compiler is told besides, a word a line.
slapd-pat-flags: $(SLAPD_PAT_FLAGS)
	@cat $<

.PHONY: FORCE slapd-pat-flags
