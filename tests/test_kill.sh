#!/bin/sh
# A small part of the campaign: 30 times a random rank is killed in the middle of a save, and the
# newest acknowledged step, or file of parts, must be there; three times one is stopped, and the
# others must name it; eight times a rank of a merge is killed, and the next merge must end right.
# The whole of it: tests/campaign/kill.py --kills 3000, and --stops 200; merge.py --kills 200.
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
# One plan for all: the numbers of each run go on where those of the one before end.
number_from() {
    awk -v before="$1" '
        /^(not )?ok / { head = ($1 == "not") ? "not ok" : "ok"; sub(/^(not )?ok [0-9]+ - /, "")
            print head, before + ++count, "- " $0; next }
        /^1\.\./ { next }
        { print }'
}
attack --kills 30 --seed 1 | number_from 0
attack --stops 3 --seed 1 | number_from 31
timeout -k 10 300 "$python" "$top_srcdir/tests/campaign/merge.py" --saver ./tests/campaign/saver \
    --collio ./bindings/cli/collio --mpiexec "$MPIEXEC" --kills 8 --seed 1 --rows 1000 | number_from 35
echo 1..45
