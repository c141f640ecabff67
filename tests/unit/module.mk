# SPDX-License-Identifier: BSD-2-Clause
# check: every unit test, no root needed. What failed is shown; the rest is in NAME.log.

UNIT_NAMES := bearer client conf connect_url daemon decide error export file gentime \
	http_answer http_authorization http_fcgi log option pam_module path proto refusal revoke \
	sasl_message sasl_module saslauthd scope shape share stack strv text token uri when
UNIT_TESTS := $(UNIT_NAMES:%=$(BUILD)/tests/unit/%_test)
UNIT_OBJ   := $(OBJ)/tests/unit/unit.o $(OBJ)/tests/unit/fake_patd.o

# A test that hangs is a failure too. In seconds, times PAT_TIME_SCALE.
UNIT_TIMEOUT := 60

$(UNIT_TESTS): $(BUILD)/tests/unit/%: $(OBJ)/tests/unit/%.o $(UNIT_OBJ) \
		$(BUILD)/libpat.a $(BUILD)/libpat-client.a
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(PAT_LDFLAGS) -pie -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	    $(CORE_LIBS) -lcmocka -lpam -lsasl2 -ldl

# Tests of what is in no library see its headers.
$(BUILD)/tests/unit/sasl_message_test: $(OBJ)/sasl_pat/message.o
$(OBJ)/tests/unit/sasl_message_test.o: PAT_CPPFLAGS += -Isasl_pat
$(BUILD)/tests/unit/http_answer_test: $(OBJ)/http_pat/answer.o
$(BUILD)/tests/unit/http_authorization_test: $(OBJ)/http_pat/authorization.o
$(BUILD)/tests/unit/http_fcgi_test: $(OBJ)/http_pat/fcgi.o
$(OBJ)/tests/unit/http_answer_test.o $(OBJ)/tests/unit/http_authorization_test.o \
	$(OBJ)/tests/unit/http_fcgi_test.o: PAT_CPPFLAGS += -Ihttp_pat

$(BUILD)/tests/unit/connect_url_test: $(OBJ)/patctl/connect_url.o
$(OBJ)/tests/unit/connect_url_test.o: PAT_CPPFLAGS += -Ipatctl
$(BUILD)/tests/unit/stack_test: $(OBJ)/patctl/doctor_stack.o
$(OBJ)/tests/unit/stack_test.o: PAT_CPPFLAGS += -Ipatctl

$(BUILD)/tests/unit/share_test: $(OBJ)/patd/share.o
$(OBJ)/tests/unit/share_test.o: PAT_CPPFLAGS += -Ipatd

$(BUILD)/tests/unit/log_test: $(OBJ)/patd/log.o $(OBJ)/patd/repeats.o
$(OBJ)/tests/unit/log_test.o: PAT_CPPFLAGS += -Ipatd

$(BUILD)/tests/unit/text_test: $(OBJ)/patctl/text.o
$(OBJ)/tests/unit/text_test.o: PAT_CPPFLAGS += -Ipatctl
$(BUILD)/tests/unit/when_test: $(OBJ)/patctl/when.o
$(OBJ)/tests/unit/when_test.o: PAT_CPPFLAGS += -Ipatctl

# For pam_module_test and stack_test, which look for them beside themselves.
UNIT_MODULES := $(BUILD)/tests/unit/pam_marker.so $(BUILD)/tests/unit/pam_recorder.so

$(UNIT_MODULES): $(BUILD)/tests/unit/%.so: $(OBJ)/tests/unit/%.o
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) -shared $(PAT_LDFLAGS) -o $@ $^ -lpam

unit-tests: $(UNIT_TESTS) $(UNIT_MODULES)

check: unit-tests $(BUILD)/pam_pat.so $(BUILD)/sasl2/libpat.so
	$(Q)failed=; cases=0; \
	PAT_TIME_SCALE=$$(tests/time-scale) || exit 1; export PAT_TIME_SCALE; \
	export PAM_PAT_SO='$(abspath $(BUILD)/pam_pat.so)'; \
	export SASL_PAT_SO='$(abspath $(BUILD)/sasl2/libpat.so)'; \
	for t in $(UNIT_TESTS); do \
	    if timeout $$(($(UNIT_TIMEOUT) * PAT_TIME_SCALE)) "$$t" >"$$t.log" 2>&1; then \
	        n=$$(sed -n 's/^\[=*\] \([0-9]*\) test(s) run\.$$/\1/p' "$$t.log"); \
	        cases=$$((cases + n)); \
	        echo "  ok      $${t##*/} ($$n cases)"; \
	        sed -n 's/^skipped/          &/p' "$$t.log"; \
	    else \
	        echo "  FAILED  $${t##*/} (exit $$?)"; \
	        failed="$$failed $${t##*/}"; \
	        sed -e '/^\[ *RUN *\]/d' -e '/^\[ *OK *\]/d' -e 's/^/          /' "$$t.log"; \
	    fi; \
	done; \
	if [ -n "$$failed" ]; then echo "  failed:$$failed"; exit 1; fi; \
	echo "  $$cases cases in $(words $(UNIT_TESTS)) programs: all passed"

.PHONY: check unit-tests
