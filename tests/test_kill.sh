#!/bin/sh
# A small part of the campaign: 20 times a random rank is killed in the middle of a save, and the
# newest acknowledged step must be there. The whole of it: tests/campaign/kill.py --kills 200.
. ./tests/env.sh
python=${PYTHON:-$(command -v python3)}
if test -z "$python"; then
    echo "1..0 # SKIP no Python to run tests/campaign/kill.py"
    exit 0
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
exec timeout -k 10 500 "$python" "$top_srcdir/tests/campaign/kill.py" \
    --saver ./tests/campaign/saver --mpiexec "$MPIEXEC" --kills 20 --seed 1
