# SPDX-License-Identifier: BSD-2-Clause

HTTP_PAT_OBJ := $(patsubst %,$(OBJ)/http_pat/%.o,answer authorization check fcgi listen main server settings)

$(BUILD)/pat-fcgi: $(HTTP_PAT_OBJ) $(BUILD)/libpat-client.a
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ -lsystemd -lpthread

ALL += $(BUILD)/pat-fcgi
