#!/bin/sh
# The command `collio hints`: it explains, shows what was taken, and leaves no file behind.
. ./tests/env.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
collio=$PWD/bindings/cli/collio
count=0

check() {
    count=$((count + 1))
    if test "$2" -eq 0; then echo "ok $count - $1"; else echo "not ok $count - $1"; fi
}
timeout 60 "$collio" hints "$work" >"$work/out" 2>"$work/err"
check "it runs" $?
grep -q '^collio_exchange *always *always' "$work/out"
check "a hint of collio's is in use" $?
grep -q '^striping_factor *4 ' "$work/out"
check "hints of MPI-IO are explained" $?
rm -f "$work/out" "$work/err"
test -z "$(ls -A "$work")"
check "no file is left" $?
! timeout 60 "$collio" hints "$work/nowhere" >"$work/out" 2>"$work/err" &&
    grep -q 'No such file' "$work/err"
check "a missing directory is an error" $?
"$collio" hints --help | grep -q DIRECTORY
check "it has a help" $?
echo "1..$count"
