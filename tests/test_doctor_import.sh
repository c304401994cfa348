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

# The findings, without those on the machine; or what the import raised.
cat >look.py <<'END'
import sys
for name in sys.argv[1:]:
    __import__(name)
try:
    from collio import MPI
    import collio
except ImportError as error:
    sys.exit(f"found ImportError {str(error).split()[6] if 'cannot be used' in str(error) else error}")
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

# What a package in an interpreter is made of: "mpich", "openmpi", "serial", "either"; empty: it is
# not there.
made_of() {
    timeout 100 "$1" - "$2" 2>/dev/null <<'END'
import os, re, sys
name = sys.argv[1]
__import__(name)
maps = open("/proc/self/maps").read()
kinds = [kind for kind, pattern in (("openmpi", r"libmpi\.so\.40"), ("mpich", r"libmpich\.so|libmpi\.so\.12")) if re.search(pattern, maps)]
print(kinds[0] if kinds else "serial")
END
}

case $MPIEXEC in *openmpi*) ours=openmpi ;; *) ours=mpich ;; esac
for python in "$PYTHON" $COLLIO_TEST_PYTHONS; do
    name="$(basename "$(dirname "$(dirname "$python")")") Python"
    result "$name: collio alone" "" "$(found "$python" look.py)"
    result "$name: and not a word" "" "$(grep -v '^found' err)"
    kind=$(made_of "$python" mpi4py.MPI)
    case $kind in
    "") skip "$name: mpi4py first" "mpi4py is not installed" ;;
    $ours) result "$name: mpi4py of the same MPI" "" "$(found "$python" look.py mpi4py.MPI)" ;;
    # Its MPI is there for all to see, so collio's calls would go astray: refused.
    openmpi) result "$name: mpi4py of Open MPI first" "ImportError E04" "$(found "$python" look.py mpi4py.MPI)" ;;
    *) result "$name: mpi4py of MPICH first" "fE02 fE03" "$(found "$python" look.py mpi4py.MPI)" ;;
    esac
    kind=$(made_of "$python" h5py)
    case $kind in
    "") skip "$name: h5py first" "h5py is not installed" ;;
    serial) result "$name: a serial h5py first" "wE22" "$(found "$python" look.py h5py)" ;;
    *) skip "$name: h5py first" "it is a parallel one, of $kind" ;;
    esac
done

# Launchers.
check_alone() { result "$1" "fE10" "$(found "$2" -n 2 "$PYTHON" look.py)"; }
result "two ranks, under the launcher of the same MPI" "" "$(found "$MPIEXEC" -n 2 "$PYTHON" look.py)"
other=openmpi
test $ours = openmpi && other=mpich
if command -v "mpiexec.$other" >/dev/null; then
    check_alone "two processes, under the launcher of the other MPI" "mpiexec.$other"
    result "one of them says so when MPI is imported" "1" "$(timeout 100 "mpiexec.$other" -n 2 "$PYTHON" \
        -c 'from collio import MPI' 2>&1 | grep -c '^collio: FAILURE E10')"
    result "unless it is told not to" "0" "$(COLLIO_DOCTOR=0 timeout 100 "mpiexec.$other" -n 2 "$PYTHON" \
        -c 'from collio import MPI' 2>&1 | grep -c 'FAILURE')"
else
    skip "two processes, under the launcher of the other MPI" "mpiexec.$other is not installed"
fi
echo "1..$count"
