#!/bin/sh
# A small part of the campaign: 30 times a random rank is killed in the middle of a save, and the
# newest acknowledged step must be there; three times one is stopped, and the others must name it.
# The whole of it: tests/campaign/kill.py --kills 3000, and --stops 200.
. ./tests/env.sh
python=${PYTHON:-$(command -v python3)}
if test -z "$python"; then
    echo "1..0 # SKIP no Python to run tests/campaign/kill.py"
    exit 0
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
attack() {
    timeout -k 10 500 "$python" "$top_srcdir/tests/campaign/kill.py" \
        --saver ./tests/campaign/saver --mpiexec "$MPIEXEC" --rows 200 "$@"
}
# One plan for both runs: the numbers of the second go on where those of the first end.
attack --kills 30 --seed 1 | grep -v '^1\.\.'
attack --stops 3 --seed 1 | awk '
    /^(not )?ok / { head = ($1 == "not") ? "not ok" : "ok"; sub(/^(not )?ok [0-9]+ - /, "")
        print head, 31 + ++count, "- " $0; next }
    /^1\.\./ { next }
    { print }'
echo 1..35
