# SPDX-License-Identifier: BSD-2-Clause

PATD_OBJ := $(patsubst %,$(OBJ)/patd/%.o,lastused listen log main prober protocol relay repeats server \
	settings share worker)

$(BUILD)/patd: $(PATD_OBJ) $(BUILD)/libpat.a $(BUILD)/libpat-client.a
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ $(CORE_LIBS) -lsystemd

ALL += $(BUILD)/patd
