#!/bin/sh
# collio list, verify and prune, with mpiexec and without.
. ./tests/env.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
collio=$PWD/bindings/cli/collio
maker=$PWD/tests/step_maker
count=0
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
unset LD_PRELOAD

check() {
    count=$((count + 1))
    if test "$2" = "$3"; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        printf 'wanted: %s\ngot: %s\n' "$2" "$3" | sed 's/^/# /'
        sed 's/^/# /' "$work/out" "$work/err" | tail -n 20
    fi
}

# run COMMAND...: its exit status; its output goes to files.
run() {
    timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
    echo $?
}
steps() { ls "$1" | sed -n 's/^step-0*\([0-9]*\)\.h5$/\1/p' | tr '\n' ' ' | sed 's/ $//'; }
is_json() { test -z "$PYTHON" || "$PYTHON" -c 'import json, sys; json.load(sys.stdin)' <"$work/out" 2>&1; }
says() { grep -c -- "$1" "$work/out"; }
# flip FILE: change one byte near the end, which belongs to an array.
flip() {
    at=$(($(wc -c <"$1") - 3000))
    old=$(od -An -tu1 -j $at -N 1 "$1" | tr -d ' ')
    printf "\\$(printf %o $((255 - old)))" | dd of="$1" bs=1 seek=$at conv=notrunc 2>/dev/null
}

for n in 0 2; do
    start=
    test $n -gt 0 && start="$MPIEXEC -n $n"
    dir=$work/ckpt-$n
    "$MPIEXEC" -n 2 "$maker" "$dir" 10 20 30 40 50 || exit 99
    check "[$n] list: status" 0 "$(run $start "$collio" list "$dir")"
    check "[$n] list: one row a step, once" 5 "$(says 'whole$')"
    check "[$n] list --json: status" 0 "$(run $start "$collio" list --json "$dir")"
    check "[$n] list --json: is JSON" "" "$(is_json)"
    check "[$n] list --json: whole steps" 5 "$(says '"status": "whole"')"
    check "[$n] verify: all whole" 0 "$(run $start "$collio" verify "$dir")"
    check "[$n] verify: one row a step" 5 "$(says ': whole, ')"
    check "[$n] verify --step" 0 "$(run $start "$collio" verify --step 30 "$dir")"
    check "[$n] verify --step: that one" "step 30: whole" "$(cut -d, -f1 "$work/out")"
    check "[$n] verify a file" 0 "$(run $start "$collio" verify "$dir/step-000000000040.h5")"
    check "[$n] verify a file: that one" "step 40: whole" "$(cut -d, -f1 "$work/out")"
    check "[$n] verify --step that is not there" 2 "$(run $start "$collio" verify --step 33 "$dir")"

    flip "$dir/step-000000000030.h5"
    check "[$n] verify finds damage" 1 "$(run $start "$collio" verify "$dir")"
    check "[$n] verify names the step" 1 "$(says 'step 30: DAMAGED')"
    check "[$n] verify names array and range" 1 "$(says "step-000000000030.h5': '.*elements ")"
    check "[$n] verify --json of damage" 1 "$(run $start "$collio" verify --json "$dir")"
    check "[$n] verify --json: is JSON" "" "$(is_json)"
    check "[$n] verify --json: damage" 1 "$(says '"valid": false')"
    printf 'not a step' >"$dir/step-000000000020.h5"
    check "[$n] list: a step without seal" 1 "$(run $start "$collio" list "$dir")"
    check "[$n] list: says which" 1 "$(says '20 .*damaged')"

    check "[$n] prune --dry-run" 0 "$(run $start "$collio" prune --keep 2 --dry-run "$dir")"
    check "[$n] prune --dry-run deletes nothing" "10 20 30 40 50" "$(steps "$dir")"
    check "[$n] prune --keep 4: the damaged one is not counted" 0 \
        "$(run $start "$collio" prune --keep 4 "$dir")"
    check "[$n] prune --keep 4 deletes nothing of four" "10 20 30 40 50" "$(steps "$dir")"
    touch "$dir/step-000000000010.pin"
    check "[$n] prune --keep 2 --json" 0 "$(run $start "$collio" prune --json --keep 2 "$dir")"
    check "[$n] prune --json: is JSON" "" "$(is_json)"
    check "[$n] prune keeps two and the pinned one" "10 40 50" "$(steps "$dir")"
done

# Files of the ranks.
dir=$work/ranks
"$MPIEXEC" -n 2 "$maker" "$dir" per-rank 10 20 30 || exit 99
check "per-rank: list" 0 "$(run "$collio" list "$dir")"
check "per-rank: verify" 0 "$(run "$collio" verify "$dir")"
check "merge: the newest, alone" 0 "$(run "$collio" merge "$dir" -o "$work/whole.h5")"
check "merge on 3 ranks" 0 "$(run "$MPIEXEC" -n 3 "$collio" merge "$dir/step-000000000030.h5" -o "$work/whole3.h5")"
check "merge: the same file" "" "$(cmp "$work/whole.h5" "$work/whole3.h5" 2>&1)"
check "merge again: it is there" 0 "$(run "$collio" merge "$dir" -o "$work/whole.h5")"
check "merge of another step onto it is refused" 2 \
    "$(run "$collio" merge --step 10 "$dir" -o "$work/whole.h5")"
mkdir "$work/merged" && mv "$work/whole3.h5" "$work/merged/step-000000000030.h5"
check "merge: the result is a step" 0 "$(run "$collio" verify "$work/merged")"
check "merge of one file is refused" 2 "$(run "$collio" merge "$work/merged" -o "$work/again.h5")"
check "merge: says that it is one file" 1 "$(grep -c 'is one file already' "$work/err")"
check "merge --json" 0 "$(run "$collio" merge --json --step 10 "$dir" -o "$work/ten.h5")"
check "merge --json: is JSON" "" "$(is_json)"
flip "$(ls "$dir"/step-000000000020.ranks-*/rank-000001.h5)"
check "per-rank: verify finds damage" 1 "$(run "$MPIEXEC" -n 3 "$collio" verify "$dir")"
check "per-rank: verify names the file of the rank" 1 "$(says "rank-000001.h5': '.*elements ")"
check "merge of damage" 2 "$(run "$MPIEXEC" -n 2 "$collio" merge --step 20 "$dir" -o "$work/bad.h5")"
check "merge of damage names file and range" 1 "$(grep -c "rank-000001.h5': .*elements " "$work/err")"
check "merge of damage leaves nothing" "" "$(ls -A "$work" | grep -E 'bad|part')"
check "per-rank: prune" 0 "$(run "$collio" prune --keep 1 "$dir")"
check "per-rank: prune takes their files" 2 "$(ls "$dir" | wc -l)"

check "a directory that is not there: list" 2 "$(run "$collio" list "$work/none")"
check "a directory that is not there: prune" 2 "$(run "$collio" prune --keep 1 "$work/none")"
check "and it is not made" no "$(test -e "$work/none" && echo yes || echo no)"
check "it is named" 1 "$(grep -c "collio prune: .*$work/none" "$work/err")"
mkdir "$work/empty"
check "an empty directory: list" 0 "$(run "$collio" list "$work/empty")"
check "an empty directory: verify" 2 "$(run "$collio" verify "$work/empty")"
check "prune without --keep" 64 "$(run "$collio" prune "$work/empty")"
check "prune --keep 0" 64 "$(run "$collio" prune --keep 0 "$work/empty")"
check "an unknown option" 64 "$(run "$collio" list --what "$work/empty")"
check "a file with another name" 64 "$(run "$collio" verify "$maker")"
for command in list verify merge prune; do
    check "$command --help" 0 "$(run "$collio" $command --help)"
    check "$command --help says how" 1 "$(says "^usage: collio $command")"
done
echo "1..$count"
