# SPDX-License-Identifier: BSD-2-Clause
# libc alone; one symbol. The library unloads its plugins when a program is done with it,
# while another part of that program may yet be in one: nodelete.

SASL_PAT_OBJ := $(patsubst %,$(OBJ)/sasl_pat/%.o,message plugin session settings)

$(BUILD)/sasl2/libpat.so: $(SASL_PAT_OBJ) $(BUILD)/libpat-client.a sasl_pat/sasl_pat.map
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) -shared $(PAT_LDFLAGS) -Wl,-z,nodelete \
	    -Wl,--version-script=sasl_pat/sasl_pat.map \
	    -o $@ $(SASL_PAT_OBJ) $(BUILD)/libpat-client.a

ALL += $(BUILD)/sasl2/libpat.so
