# SPDX-License-Identifier: BSD-2-Clause

TEST_TOOLS := $(BUILD)/tests/pamlogin $(BUILD)/tests/patload

$(BUILD)/tests/%: $(OBJ)/tests/tools/%.o $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ -lpam -lpthread

tools: $(TEST_TOOLS)

-include tests/unit/module.mk

.PHONY: tools

$(BUILD)/tests/bench: $(OBJ)/tests/bench/bench.o $(BUILD)/libpat.a $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ $(CORE_LIBS) -lpam

# Nothing but what a host of PAM has.
$(BUILD)/tests/pamhost: $(OBJ)/tests/bench/pamhost.o $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ -lpam -lcrypto

$(BUILD)/tests/saslhost: $(OBJ)/tests/bench/saslhost.o $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ -lsasl2

bench-tools: $(BUILD)/tests/bench $(BUILD)/tests/pamhost $(BUILD)/tests/saslhost tools

.PHONY: bench-tools
