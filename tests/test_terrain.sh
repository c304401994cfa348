#!/bin/sh
# The main job in small: killed in a save, started again, equal to the run that nothing interrupted.
. ./tests/env.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
test -n "$PYTHON" || { echo "1..0 # SKIP built without Python"; exit 0; }

export MPIEXEC PYTHONPATH="$top_builddir/bindings/python/lib" PYTHONDONTWRITEBYTECODE=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
echo 1..1
if timeout -k 10 300 "$PYTHON" "$top_srcdir/samples/terrain_demo.py" --refine 2 --steps 120 --every 6 \
    --directory "$work/terrain" >"$work/out" 2>&1 &&
    test "$(head -c 4 "$work/terrain/terrain.png" | tail -c 3)" = PNG; then
    echo "ok 1 - the main job"
else
    echo "not ok 1 - the main job"
fi
sed 's/^/# /' "$work/out"
