#!/bin/sh
# Runs each guest as a plain Linux process and compares it with its "expect:" lines (their syntax
# is in guest/prog/README.md), so that what they claim of Linux is true.  It refuses to know faults
# by kind: only the laboratory counts those.
# Usage: native.sh BUILD_FOLDER [qemu], from the top of the tree; `qemu` on a processor that QEMU
# emulates.  Needs no more than busybox has.
set -u

build=$1
emulator=${2:-}
ran=0
failed=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

complain() {
    failed=$((failed + 1))
    printf 'FAILED: %s: %s\n' "$shown" "$1"
}

# The value of the first item KEY=VALUE; nothing if there is none.
item() {
    printf '%s\n' "$items" | sed -n "s/^$1=//p" | head -n 1
}

# One line of stdout must equal each "stdout" item, and each figure without a kind must be right.
compare_output() {
    printf '%s\n' "$items" | sed -n 's/^stdout=//p' >"$scratch/wanted"
    while read -r wanted; do
        grep -qxF -- "$wanted" "$scratch/out" || complain "stdout lacks \"$wanted\""
    done <"$scratch/wanted"
    [ "$status" = "$(item exit)" ] || return
    printf '%s\n' "$items" | grep -E '^([a-z0-9-]+\.)?(faults|predicted)=' >"$scratch/wanted"
    while read -r wanted; do
        name=${wanted%%=*}
        [ "${name%%.*}" = 2m ] && continue # Linux has 2 MiB pages only where some are reserved
        grep -qxF -- "result $wanted" "$scratch/err" ||
            complain "wanted $wanted, got $(grep -F "result $name=" "$scratch/err")"
    done <"$scratch/wanted"
}

# run BINARY LINE: LINE is what follows "expect:".
run() {
    shown="$1 ${2#* }"
    items=$(printf '%s\n' "${2#*|}" | sed 's/ | /\n/g' | sed 's/^ *//')
    eval "set -- \"$1\" ${2%%|*}"
    binary=$1
    shift 2
    statuses=$(item linux)
    : "${statuses:=$(item exit)}"
    input=$(item stdin)
    # Through cat: a pipe, as /dev/null takes any pointer.  No core files.
    (
        # shellcheck disable=SC3045 # dash and bash both have it
        ulimit -c 0
        timeout -k 5 "$(case $statuses in 124) echo 1 ;; *) echo 20 ;; esac)" \
            "$binary" "$@" <"${input:-/dev/null}" 2>"$scratch/err"
        echo $? >"$scratch/status"
    ) 2>/dev/null | cat >"$scratch/out"
    status=$(cat "$scratch/status")
    ran=$((ran + 1))
    if [ "$statuses" = 124 ] && [ "$status" = 143 ]; then
        status=124 # what busybox's timeout says
    fi
    [ -z "$emulator" ] || statuses=$statuses,$(item "$emulator")
    case ",$statuses," in
    *",$status,"*) ;;
    *) complain "exit status $status instead of $statuses: $(tail -n 1 "$scratch/err")" ;;
    esac
    compare_output
}

# run_all SOURCE SUFFIX FOLDER
run_all() {
    awk '/^ \* expect: /  { if (line != "") print line; line = substr($0, 12); next }
         /^ \*  *\| / && line != "" { sub(/^ \* */, " "); line = line $0; next }
         { if (line != "") print line; line = "" }' "$1" >"$scratch/lines"
    while read -r line <&3; do
        program=${line%% *}
        run "$3/$program$2.elf" "$line"
    done 3<"$scratch/lines"
}

for source in guest/prog/*.c; do
    run_all "$source" '' "$build"
done
for variant in glibc glibc-pie musl; do
    for source in tests/guests/*.c; do
        name=$(basename "$source" .c)
        if [ ! -x "$build/tests/guests/$name-$variant.elf" ]; then
            printf 'SKIPPED: %s-%s.elf was not built\n' "$name" "$variant"
            continue
        fi
        run_all "$source" "-$variant" "$build/tests/guests"
    done
done

printf 'guests under plain Linux: %d runs, %d failures\n' "$ran" "$failed"
[ "$failed" = 0 ]
