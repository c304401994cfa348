#!/bin/sh
# All tests, from nothing: install what is missing, build, run `make check`. The last line is
# "N passed, N failed, N skipped".
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
test -f "$top/.ci/prepare.sh" || { echo "collio: $top is no clone of collio's repository" >&2; exit 1; }
. "$top/.ci/prepare.sh"

install_packages $packages python-matplotlib-data python-tables-data gmt-gshhg-low
configure_and_make "$build"
say "running the tests, in full in $build/check.log"
{ make -C "$build" check 2>&1; echo "status $?" >"$build/check.status"; } | tee "$build/check.log" |
    awk '/^(PASS|FAIL|SKIP|ERROR): / {
             if ($2 != name) { if (count) print count; printf "   %-32s ", $2; name = $2; count = 0 }
             count++
             if ($1 != "PASS:") { print "\n" $0; printf "   %-32s ", "" } fflush() }
         END { if (count) print count }'
grep -qx 'status 0' "$build/check.status" || show_failures "$build"
sed -n '/^[0-9]* passed, [0-9]* failed, [0-9]* skipped$/h; ${x;p}' "$build/check.log"
grep -qx 'status 0' "$build/check.status"
