#!/bin/sh
# mpi4py and h5py imported beside collio, under the launchers there are: what the doctor finds, and
# what the glance at the import says. COLLIO_TEST_PYTHONS may name more interpreters (of virtual
# environments with packages from PyPI); what is not installed is skipped.
. ./tests/env.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
count=0
if test -z "$PYTHON"; then
    echo "1..0 # SKIP built without Python"
    exit 0
fi
export PYTHONPATH="$PWD/bindings/python/lib" PYTHONDONTWRITEBYTECODE=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
cd "$work" || exit 99

# look.py [FIRST [AFTER]]: import packages before collio and after it; the findings, without those on
# the machine; or what the import raised.
cat >look.py <<'END'
import sys
import types

# Some installations of Debian's leave out the packages' own tests, but not their import.
for build in "mpi", "serial":
    name = f"h5py._debian_h5py_{build}.tests"
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].run_tests = None

first, after = (part.split() for part in (*sys.argv[1:], "", "")[:2])
for name in first:
    __import__(name)
try:
    from collio import MPI
    import collio
except ImportError as error:
    sys.exit(f"found ImportError {str(error).split()[6] if 'cannot be used' in str(error) else error}")
for name in after:
    __import__(name)
machine = "E01 E11 E13 E24 E25 E35 E40 E41 E42 E44 E46 E50".split()
found = [f.level[0] + f.id for f in collio.doctor(comm=MPI.COMM_WORLD) if f.level in ("warning", "failure")]
if MPI.COMM_WORLD.rank == 0:
    sys.stderr.write(f"found {' '.join(f for f in found if f[1:] not in machine)}\n")
END

result() {
    count=$((count + 1))
    if test "$2" = "$3"; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        printf 'wanted: %s\ngot: %s\n' "$2" "$3" | sed 's/^/# /'
        sed 's/^/# /' err | tail -n 15
    fi
}
skip() { count=$((count + 1)); echo "ok $count - $1 # SKIP $2"; }
found() { timeout 100 "$@" >out 2>err; sed -n 's/^found //p' err | sort -u | tr '\n' ',' | sed 's/,$//'; }

# What a package in an interpreter is made of: "mpich", "openmpi", "serial"; empty: it is not there.
made_of() {
    timeout 100 "$1" - "$2" 2>/dev/null <<'END'
import re
import sys
import types
for build in "mpi", "serial":
    name = f"h5py._debian_h5py_{build}.tests"
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].run_tests = None
__import__(sys.argv[1])
maps = open("/proc/self/maps").read()
patterns = ("openmpi", r"libmpi\.so\.40"), ("mpich", r"libmpich\.so|libmpi\.so\.12")
print(*[kind for kind, pattern in patterns if re.search(pattern, maps)] or ["serial"])
END
}

# row NAME FIRST AFTER COMMAND...: what is found of packages imported before collio and after it.
row() {
    title=$1 first=$2 after=$3
    shift 3
    packages=$1
    shift
    result "$title, before collio" "$first" "$(found "$@" look.py "$packages")"
    # Where two MPI libraries are started in one process, that itself may be the end.
    test "$after" = "-" || result "$title, after collio" "$after" "$(found "$@" look.py "" "$packages")"
}

case $MPIEXEC in *openmpi*) ours=openmpi ;; *) ours=mpich ;; esac
other=openmpi
test $ours = openmpi && other=mpich
twice=fE22 # a second HDF5; a serial one is not mixed up with it
test "$HDF5_KIND" = parallel || twice=wE22

rows_of() {
    python=$1
    name="$(echo "$python" | cut -d/ -f2-3) Python"
    result "$name: collio alone" "" "$(found "$python" look.py)"
    result "$name: and not a word" "" "$(grep -v '^found' err)"
    case $ours/$(made_of "$python" mpi4py.MPI) in
    */) skip "$name: mpi4py" "it is not installed" ;;
    $ours/$ours) row "$name: mpi4py of the same MPI" "" "" mpi4py.MPI "$python" ;;
    # Its MPI is there for all to see, so collio's calls would go astray: refused.
    mpich/openmpi) row "$name: mpi4py of Open MPI" "ImportError E04" "fE02 fE03" mpi4py.MPI "$python" ;;
    *) row "$name: mpi4py of MPICH" "fE02 fE03" "-" mpi4py.MPI "$python" ;;
    esac
    for always in A=1 H5PY_ALWAYS_USE_MPI=1; do
        kind=$(export $always && made_of "$python" h5py)
        test "$always" = A=1 || test "$kind" != "$before" || continue
        before=$kind
        case $ours/$kind in
        */) skip "$name: h5py" "it is not installed" ;;
        */serial) test "$HDF5_KIND" = serial ||
            row "$name: a serial h5py" "wE22" "wE22" h5py env $always "$python" ;;
        $ours/$ours) row "$name: a parallel h5py of the same MPI" "" "" h5py env $always "$python" ;;
        mpich/*) row "$name: a parallel h5py of Open MPI" "fE02 fE21 $twice" "fE02 fE21 $twice" h5py env $always "$python" ;;
        # Two HDF5 whose symbols are taken for each other's: importing it later is the end.
        *) row "$name: a parallel h5py of MPICH" "fE02 fE21 $twice" "-" h5py env $always "$python" ;;
        esac
    done
}

# Debian's own interpreter has Debian's packages; it can be asked if it is of the same version.
minor() { "$1" -c 'import sys; print(sys.version_info[:2])' 2>/dev/null; }
pythons=$PYTHON
test "$(minor "$PYTHON")" = "$(minor /usr/bin/python3)" && pythons="$pythons /usr/bin/python3"
for python in $pythons $COLLIO_TEST_PYTHONS; do
    rows_of "$python"
done

# Launchers.
check_alone() { result "$1" "fE10" "$(found "$2" -n 2 "$PYTHON" look.py)"; }
result "two ranks, under the launcher of the same MPI" "" "$(found "$MPIEXEC" -n 2 "$PYTHON" look.py)"
if command -v "mpiexec.$other" >/dev/null &&
    timeout 100 "mpiexec.$other" -n 2 "$PYTHON" -c 'from collio import MPI' 2>&1 | grep -q 'MPI_Init ended'; then
    timeout 100 "mpiexec.$other" -n 2 "$PYTHON" -c 'from collio import MPI' >out 2>err
    result "MPI_Init ends processes of another launcher, which say why" "E10" \
        "$(sed -n 's/^collio: FAILURE \([^ ]*\) .*/\1/p' err | sort -u)"
    result "and name the mpiexec to use" "$MPIEXEC" "$(sed -n 's/^  mend *: \([^ ]*\) .*/\1/p' err | sort -u)"
elif command -v "mpiexec.$other" >/dev/null; then
    check_alone "two processes, under the launcher of the other MPI" "mpiexec.$other"
    result "one of them says so when MPI is imported" "1" "$(timeout 100 "mpiexec.$other" -n 2 "$PYTHON" \
        -c 'from collio import MPI' 2>&1 | grep -c '^collio: FAILURE E10')"
    result "unless it is told not to" "0" "$(COLLIO_DOCTOR=0 timeout 100 "mpiexec.$other" -n 2 "$PYTHON" \
        -c 'from collio import MPI' 2>&1 | grep -c 'FAILURE')"

    # Each is alone, and writes the same file and saves into the same directory: only one may.
    cat >same.py <<'END'
import os, sys, time
import numpy as np
import collio
from collio import MPI

said = []
for name, call in (
    ("File", lambda: collio.File("same.h5", "w", comm=MPI.COMM_WORLD)),
    ("View", lambda: collio.View("same.raw", "w", MPI.COMM_WORLD, shape=3)),
    ("Checkpoint", lambda: collio.Checkpoint("same", comm=MPI.COMM_WORLD).save(1, u=collio.Part(np.ones(3), shape=(3,), offset=(0,)))),
    ("own File", lambda: collio.File(f"own-{os.getpid()}.h5", "w", comm=MPI.COMM_WORLD)),
):
    try:
        call()
    except Exception as error:
        said.append(f"{name} {'E10' if 'E10' in str(error) else error}")
# Both have tried before one goes.
open(f"tried-{os.getpid()}", "w").close()
end = time.monotonic() + 60
while sum(name.startswith("tried-") for name in os.listdir(".")) < 2 and time.monotonic() < end:
    time.sleep(0.01)
sys.stderr.write("".join(f"found {words}\n" for words in said))
END
    result "of two that are alone, one is kept from the same file" "Checkpoint E10,File E10,View E10" \
        "$(COLLIO_DOCTOR=0 found "mpiexec.$other" -n 2 "$PYTHON" same.py)"
else
    skip "two processes, under the launcher of the other MPI" "mpiexec.$other is not installed"
fi
echo "1..$count"
