# SPDX-License-Identifier: BSD-2-Clause

TEST_TOOLS := $(BUILD)/tests/pamlogin $(BUILD)/tests/patload

$(BUILD)/tests/%: $(OBJ)/tests/tools/%.o $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ -lpam -lpthread

tools: $(TEST_TOOLS)

-include tests/unit/module.mk

.PHONY: tools
