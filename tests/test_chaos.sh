#!/bin/sh
# A small part of the campaign of random programs in which ranks diverge: always the same ones.
# The whole of it: tests/campaign/chaos.py --programs 5000 --leaves 100 --faults 500 --memories 50.
. ./tests/env.sh
python=${PYTHON:-$(command -v python3)}
if test -z "$python" || ! test -d "$top_builddir/bindings/python/lib"; then
    echo "1..0 # SKIP collio was built without Python"
    exit 0
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
export UCX_LOG_LEVEL=fatal HWLOC_HIDE_ERRORS=2 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH="$top_builddir/bindings/python/lib${PYTHONPATH:+:$PYTHONPATH}"
timeout -k 10 600 "$python" "$top_srcdir/tests/campaign/chaos.py" --mpiexec "$MPIEXEC" \
    --collio ./bindings/cli/collio --seed 1 --programs 60 --leaves 4
