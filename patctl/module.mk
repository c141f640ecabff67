# SPDX-License-Identifier: BSD-2-Clause

PATCTL_SRC := args dn generate list main membership mint minting output progress prompt say session text tokens when write
PATCTL_OBJ := $(PATCTL_SRC:%=$(OBJ)/patctl/%.o)

$(BUILD)/patctl: $(PATCTL_OBJ) $(BUILD)/libpat.a $(BUILD)/libpat-client.a
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ $(CORE_LIBS) -ljson-c

ALL += $(BUILD)/patctl
