#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# tests/check-times: refused and allowed lines of tests.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
bats_require_minimum_version 1.5.0

# plant LINE: a file of tests with that line.
plant() {
    PLANTED=$BATS_TEST_TMPDIR/planted.bats
    printf '%s\n' '#!/usr/bin/env bats' "$1" >"$PLANTED"
}

# refuses RULE: the planted line is refused, with its file, number and rule.
refuses() {
    run -1 "$ROOT/tests/check-times" "$PLANTED"
    [[ $output == "$PLANTED:2: $1; "* ]] || {
        printf 'expected "%s", got:\n%s\n' "$1" "$output"
        return 1
    }
}

allows() { run -0 "$ROOT/tests/check-times" "$PLANTED"; }

@test "an elapsed time that is compared with a number is refused" {
    local rule='an elapsed time compared with a number'

    plant '    ((LOGIN_MS < 2000))'
    refuses "$rule"
    plant '    [[ $CHECK_MS -le 500 ]]'
    refuses "$rule"
    plant '    assert took < 3, took'
    refuses "$rule"
    plant '    assert_true(took_ms <= 900);'
    refuses "$rule"
}

@test "a clock that is compared with a number is refused" {
    local rule='a clock compared with a number'

    plant '    assert time.monotonic() - began < 9'
    refuses "$rule"
    plant '    assert 2 < time.time() - began < 9'
    refuses "$rule"
    plant '    ((SECONDS - began < 5))'
    refuses "$rule"
    plant '    [[ $((SECONDS - began)) -lt 5 ]]'
    refuses "$rule"
    plant '    ((${EPOCHREALTIME/[.,]/} - began <= 5000000))'
    refuses "$rule"
}

@test "a deadline or timeout outside the factor is refused" {
    plant '    run timeout 20 patd -f'
    refuses 'timeout(1) with a number'
    plant '    timeout -k 1 5s patd -f'
    refuses 'timeout(1) with a number'
    plant '    end=$((SECONDS + 30))'
    refuses 'a deadline with a number'
    plant '    end = time.monotonic() + 10'
    refuses 'a deadline with a number'
    plant '    s.settimeout(10)'
    refuses 'a socket or client with a number as its timeout'
    plant '    ldapwhoami -o nettimeout=10'
    refuses 'a socket or client with a number as its timeout'
    plant '    curl -q -s -m 20 "$url"'
    refuses 'a socket or client with a number as its timeout'
    plant '    subprocess.run(command, timeout=5)'
    refuses 'a socket or client with a number as its timeout'
}

@test "bounds with the factor, lower bounds, comments and settings are allowed" {
    plant '    run timeout $((20 * PAT_TIME_SCALE)) patd -f'
    allows
    plant '    end = time.monotonic() + 10 * TIME_SCALE'
    allows
    plant '    assert time.monotonic() - began > 2'
    allows
    plant '    ((CHECK_MS >= 2700))'
    allows
    plant '    no_hang "$LOGIN_MS" 3000'
    allows
    plant '    # took < 3 was asserted here'
    allows
    plant '    pam_service hasty timeout=500ms'
    allows
    plant "    set_conf 'timeout = 3s'"
    allows
}

@test "all existing tests pass, and each exception matches a line" {
    run -0 "$ROOT/tests/check-times"
    printf '%s\n' "$output"
}
