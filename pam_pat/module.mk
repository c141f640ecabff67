# SPDX-License-Identifier: BSD-2-Clause
# libpam and libc alone; pam_sm_* alone.

PAM_PAT_OBJ := $(OBJ)/pam_pat/pam_pat.o

$(BUILD)/pam_pat.so: $(PAM_PAT_OBJ) $(BUILD)/libpat-client.a pam_pat/pam_pat.map
	@$(call say,LD $@)
	$(Q)$(CC) -shared $(PAT_LDFLAGS) -Wl,--version-script=pam_pat/pam_pat.map \
	    -o $@ $(PAM_PAT_OBJ) $(BUILD)/libpat-client.a -lpam

ALL += $(BUILD)/pam_pat.so
