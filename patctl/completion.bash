# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# completion.bash - completion of patctl's arguments for bash
#
# What there is to complete patctl tells itself, so that this cannot be out of date.

_patctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local table line name options='' first=${COMP_WORDS[1]-} second=${COMP_WORDS[2]-}

    COMPREPLY=()
    table=$(patctl --list-options 2>/dev/null) || return 0
    while IFS= read -r line; do
        name=${line%%:*}
        if [[ $name == "$first $second" ]]; then
            options=${line#*:}
            break
        elif [[ $name == "$first" ]]; then
            options+=" ${line#*:}"
        elif [[ $name == "$first --"* ]]; then
            options+=" ${name#"$first "}" # an option that makes it another command
        fi
    done <<<"$table"

    case $previous in
    -y)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return 0
        ;;
    -Y)
        mapfile -t COMPREPLY < <(compgen -W 'EXTERNAL GSSAPI PLAIN' -- "$current")
        return 0
        ;;
    esac
    if ((COMP_CWORD == 1)); then
        options="help $(cut -d : -f 1 <<<"$table" | cut -d ' ' -f 1 | sort -u)"
    elif ((COMP_CWORD == 2)) && grep -q "^$first [a-z]" <<<"$table"; then
        options=$(sed -n "s/^$first \\([a-z]*\\):.*/\\1/p" <<<"$table")
    elif [[ $first == connect && $current != -* ]]; then
        options='claude-code claude-desktop cursor vscode windsurf cline codex gemini jetbrains curl ssh'
    else
        # A value that is wanted is for the person to give.
        [[ " $options " != *" $previous="* ]] || return 0
        mapfile -t COMPREPLY < <(compgen -W "$(tr ' ' '\n' <<<"$options" | cut -d = -f 1)" -- "$current")
        return 0
    fi
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
}

complete -F _patctl patctl
