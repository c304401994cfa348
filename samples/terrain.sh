#!/bin/sh
# The main job, from nothing: install what is missing, build, then let a landscape evolve on 4
# ranks, kill one of them while it saves, go on with 2, and compare. Leaves a picture.
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
test -f "$top/.ci/prepare.sh" || { echo "collio: $top is no clone of collio's repository" >&2; exit 1; }
. "$top/.ci/prepare.sh"

install_packages $packages python-matplotlib-data
configure_and_make "$build"
. "$build/tests/env.sh"
export MPIEXEC PYTHONPATH="$build/bindings/python/lib${PYTHONPATH:+:$PYTHONPATH}"
exec "$PYTHON" "$top/samples/terrain_demo.py" --directory "$build/terrain" "$@"
