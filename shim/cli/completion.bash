# SPDX-License-Identifier: MIT
# Completion of the memoshim command for bash.

_memoshim_presets() {
    "$1" presets 2>/dev/null | sed -n 's/^    \([^ ].*\)/\1/p'
}

_memoshim() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local memoshim=${COMP_WORDS[0]} command=${COMP_WORDS[1]} i
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W 'run check presets --help --version' -- "$current"))
        return
    fi
    case $command/$previous in
    run/-c | run/--config | check/-c | check/--config)
        compopt -o filenames
        COMPREPLY=($(compgen -f -- "$current"))
        return
        ;;
    run/-f | run/--function | check/-f | check/--function | check/--explain)
        COMPREPLY=($(compgen -W "$(_memoshim_presets "$memoshim")" -- "$current"))
        return
        ;;
    esac
    case $command in
    run | check)
        # The program is the first word that is neither an option nor an option's value.
        for ((i = 2; i < COMP_CWORD; i++)); do
            case ${COMP_WORDS[i]} in
            -c | -f | --config | --function | --explain) ((i++)) ;;
            --)
                ((i++))
                break
                ;;
            -*) ;;
            *) break ;;
            esac
        done
        if [ "$i" -lt "$COMP_CWORD" ]; then
            compopt -o filenames
            COMPREPLY=($(compgen -f -- "$current"))
        elif [ "${current:0:1}" = - ]; then
            local options='-c --config -f --function --help --'
            [ "$command" = run ] || options+=' --json --explain'
            COMPREPLY=($(compgen -W "$options" -- "$current"))
        else
            compopt -o filenames
            COMPREPLY=($(compgen -c -- "$current"))
        fi
        ;;
    presets)
        COMPREPLY=($(compgen -W "$(_memoshim_presets "$memoshim") --help" -- "$current"))
        ;;
    esac
}

complete -F _memoshim memoshim
