# SPDX-License-Identifier: BSD-2-Clause
# libpat-client.a: what adapters link, libc alone.  libpat.a: the core on top of it.

CLIENT_SRC := bearer client daemon error file option path proto refusal secret shape strv
CORE_SRC   := conf decide directory gentime ldap_conn ldap_cork ldap_guard \
	net overlays record revoke saslauthd scope token uri verify
CLIENT_OBJ := $(CLIENT_SRC:%=$(OBJ)/common/%.o)
CORE_OBJ   := $(CORE_SRC:%=$(OBJ)/common/%.o)
CORE_LIBS  := -linih -lldap -llber -lcrypto -lz -lpthread

$(BUILD)/libpat-client.a: $(CLIENT_OBJ)
$(BUILD)/libpat.a: $(CORE_OBJ)
$(BUILD)/libpat-client.a $(BUILD)/libpat.a:
	@$(call say,AR $@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^
