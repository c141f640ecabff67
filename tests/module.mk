# SPDX-License-Identifier: BSD-2-Clause

TEST_TOOLS := $(addprefix $(BUILD)/tests/,atrest exitmem pamlogin patload)

$(BUILD)/tests/%: $(OBJ)/tests/tools/%.o $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ -lpam -lpthread

tools: $(TEST_TOOLS)

-include tests/unit/module.mk

.PHONY: tools

# What "make bench" measures with; see tests/bench.
BENCH_TOOLS := $(addprefix $(BUILD)/tests/,bench floorload adminhost pamhost saslhost)

$(addprefix $(BUILD)/tests/,bench floorload adminhost): $(BUILD)/tests/%: \
		$(OBJ)/tests/bench/%.o $(OBJ)/tests/bench/floor.o $(BUILD)/libpat.a \
		$(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ $(CORE_LIBS)

# Nothing but what a host of PAM has.
$(BUILD)/tests/pamhost: $(OBJ)/tests/bench/pamhost.o $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ -lpam -lcrypto

$(BUILD)/tests/saslhost: $(OBJ)/tests/bench/saslhost.o $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ -lsasl2

bench-tools: $(BENCH_TOOLS) tools

.PHONY: bench-tools
