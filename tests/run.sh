#!/bin/sh
# Run one test under mpiexec, once for each rank count that its source names in a comment
# "ranks: 1 2 3 4" (1 if it names none), and print one TAP stream. A run that outlasts its
# limit is a failure: a hang must read as one. A sample is no test program: it passes if it ends
# with status 0.
#   run.sh PROGRAM [ARGUMENT...]   PROGRAM is an executable or a .py file; the working directory is
#                                  the build's, or COLLIO_BUILD names it
. "${COLLIO_BUILD:-.}/tests/env.sh" || exit 99

program=$1
shift
case $program in /*) ;; *) program=$PWD/$program ;; esac
name=$(basename "$program" .py)
case $program in
*.py) source=$program; command="$PYTHON $program" ;;
*) source=$top_srcdir/tests/$name.c; command=$program
   test -f "$source" || source=$top_srcdir/samples/$name.c ;;
esac
# COLLIO_TEST_RANKS makes a smaller selection of these counts; the last one where it has none of them.
ranks=
for n in $(sed -n 's/.*ranks: *\([0-9 ]*\).*/\1/p' "$source" | head -n 1); do
    last=$n
    case " ${COLLIO_TEST_RANKS:-$n} " in *" $n "*) ranks="$ranks $n" ;; esac
done
ranks=${ranks:-${last:-1}}
limit=$(sed -n 's/.*limit: *\([0-9]*\).*/\1/p' "$source" | head -n 1)

# Many ranks share few cores here; Open MPI must be told so, and that root may run tests.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
# Of its ways of one-sided communication, one has no threads and one crashes without a network.
export OMPI_MCA_osc=sm,ucx
# UCX warns on standard output of the messages that a rank which gave up never received, and it and
# hwloc of a container without /sys.
export UCX_LOG_LEVEL=fatal HWLOC_HIDE_ERRORS=2
export PYTHONPATH="$top_builddir/bindings/python/lib:$top_srcdir/tests${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONDONTWRITEBYTECODE=1
export top_srcdir top_builddir MPIEXEC PYTHON

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
total=0
for n in ${ranks:-1}; do
    mkdir -p "$work/$n"
    (cd "$work/$n" && timeout -k 10 "${limit:-240}" "$MPIEXEC" -n "$n" $command "$@" \
        </dev/null >"$work/out" 2>"$work/err")
    result=$?
    cat "$work/err" >&2
    # Number the lines anew across the runs, and say which rank count each belongs to.
    awk -v base="$total" -v n="$n" '
        /^(not )?ok / { count++
            head = ($1 == "not") ? "not ok" : "ok"
            sub(/^(not )?ok [0-9]* *(- )?/, "")
            print head, base + count, "- [" n "] " $0
            next }
        /^1\.\.[0-9]+$/ { next }
        { print "# " $0 }' "$work/out"
    total=$((total + $(grep -cE '^(not )?ok ' "$work/out")))
    case $program in */samples/*)
        total=$((total + 1))
        test "$result" -eq 0 && echo "ok $total - [$n] $name ran" && continue
        echo "not ok $total - [$n] $name ended with status $result"
        continue ;;
    esac
    planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$work/out" | tail -n 1)
    if test "$result" -eq 124 || test "$result" -eq 137; then
        total=$((total + 1)); echo "not ok $total - [$n] $name ended within ${limit:-240} s"
    elif test -z "$planned"; then
        total=$((total + 1)); echo "not ok $total - [$n] $name reached its end (exit status $result)"
    elif test "$result" -ne 0 && ! grep -q '^not ok ' "$work/out"; then
        total=$((total + 1)); echo "not ok $total - [$n] $name ended with status $result"
    fi
done
echo "1..$total"
