# SPDX-License-Identifier: BSD-2-Clause

PATCTL_OBJ := $(OBJ)/patctl/main.o

$(BUILD)/patctl: $(PATCTL_OBJ) $(BUILD)/libpat.a $(BUILD)/libpat-client.a
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ $(CORE_LIBS)

ALL += $(BUILD)/patctl
