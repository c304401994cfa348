#!/bin/sh
# The library exports what its public headers declare, and nothing else.
. ./tests/env.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

cat "$top_srcdir"/core/collio/*.h "$top_srcdir"/io/collio/*.h | tr '\n' ' ' |
    grep -oE 'COLLIO_API [^;(]*\(' | grep -oE 'collio_[a-z0-9_]+\($' | tr -d '(' | sort -u >"$work/declared"
nm -D --defined-only .libs/libcollio.so | awk '$2 ~ /[TDBR]/ { print $3 }' | sort -u >"$work/exported"

check() {
    if test -s "$work/$1"; then
        echo "not ok $2 - $3"
        sed 's/^/# /' "$work/$1"
    else
        echo "ok $2 - $3"
    fi
}
comm -23 "$work/declared" "$work/exported" >"$work/missing"
comm -13 "$work/declared" "$work/exported" >"$work/hidden"
test -s "$work/declared" || echo "no declarations found" >"$work/missing"
check missing 1 "every declared function is exported"
check hidden 2 "every exported symbol is declared"
echo 1..2
