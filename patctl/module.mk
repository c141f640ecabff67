# SPDX-License-Identifier: BSD-2-Clause

PATCTL_SRC := args connect connect_url dn erase generate list live main member membership mint minting org org_remove output \
	progress prompt report revoke say session show text tokens when write
# What asks patd, watches or examines.
PATCTL_SRC += audit doctor doctor_hosts doctor_ldap doctor_login doctor_pam doctor_stack doctor_tls doctor_tree event \
	follow replay replay_log revoke_shown shown verify
PATCTL_OBJ := $(PATCTL_SRC:%=$(OBJ)/patctl/%.o)

$(BUILD)/patctl: $(PATCTL_OBJ) $(BUILD)/libpat.a $(BUILD)/libpat-client.a
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $^ $(CORE_LIBS) -ljson-c -lssl

ALL += $(BUILD)/patctl
