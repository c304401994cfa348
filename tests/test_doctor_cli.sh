#!/bin/sh
# The command `collio doctor`: its options, its exit status, and what it says of launchers and of
# programs on PATH. Findings that depend on the machine alone are left out of the comparisons.
. ./tests/env.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
collio=$PWD/bindings/cli/collio
count=0
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
unset OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS LD_PRELOAD

# A PATH that offers what fits: the launcher and the h5pcc of this build, and no Python packages.
flavour=mpich
grep -q 'define OMPI_MAJOR_VERSION' "$($CC -E -x c - -M 2>/dev/null <<-END | tr ' ' '\n' | grep '/mpi\.h$'
	#include <mpi.h>
	END
)" 2>/dev/null && flavour=openmpi
mkdir "$work/bin"
ln -s "$MPIEXEC" "$work/bin/mpiexec"
printf '#!/bin/sh\n' >"$work/bin/python3"
h5pcc() {
    rm -f "$work/bin/h5pcc"
    printf '#!/bin/sh\ncat <<END\n%s\nEND\n' "$1" >"$work/bin/h5pcc"
    chmod +x "$work/bin/h5pcc"
}
chmod +x "$work/bin/python3"
other=openmpi
test $flavour = openmpi && other=mpich

check() {
    count=$((count + 1))
    if test "$2" = "$3"; then
        echo "ok $count - $1"
    else
        echo "not ok $count - $1"
        printf 'wanted: %s\ngot: %s\n' "$2" "$3" | sed 's/^/# /'
        sed 's/^/# /' "$work/err" | tail -n 20
    fi
}

# found COMMAND...: the ids of warnings and failures in its JSON, on one line, w or f before each.
found() {
    (cd "$work" && PATH="$work/bin:$PATH" timeout 120 "$@" --json >"$work/out" 2>"$work/err")
    sed -n 's/.*"id": "\([^"]*\)", "level": "\(w\)arning".*/\2\1/p; s/.*"id": "\([^"]*\)", "level": "\(f\)ailure".*/\2\1/p' "$work/out" |
        grep -vE '^w(E13|E40|E41|E42|E44|E46|E50)$' | tr '\n' ' ' | sed 's/ $//'
}

version=$(sed -n 's/.*H5_VERS_INFO *"HDF5 library version: \(.*\)".*/\1/p' \
    $(printf '#include <hdf5.h>\n' | $CC $HDF5_CFLAGS $(pkg-config --cflags hdf5-$flavour 2>/dev/null) -E -x c - -M 2>/dev/null |
      tr ' ' '\n' | grep '/H5public\.h$') /dev/null 2>/dev/null)
fitting() { printf '  HDF5 Version: %s\n  C Compiler: /usr/bin/mpicc.%s\n  Parallel HDF5: yes\n' "$1" "$2"; }

: >"$work/err"
check "--version" "collio" "$("$collio" --version | cut -d' ' -f1)"
check "--help" "usage: collio COMMAND [OPTION...]" "$("$collio" --help | head -n 1)"
"$collio" nonsense 2>/dev/null
check "an unknown command" 64 $?
"$collio" doctor --nonsense 2>/dev/null
check "an unknown option" 64 $?
"$collio" doctor --offline -v E99 >/dev/null 2>&1
check "an unknown check" 64 $?
check "-v shows one check and its evidence" 1 "$("$collio" doctor --offline -v E20 | grep -c '^  evidence.*H5Pset_fapl_mpio')"
if test -n "$PYTHON"; then
    check "--json is JSON" "" "$("$collio" doctor --offline --json | "$PYTHON" -c 'import json, sys; json.load(sys.stdin)' 2>&1)"
fi

if test -n "$version"; then
    h5pcc "$(fitting "$version" $flavour)"
    check "an environment that fits" "" "$(found "$collio" doctor)"
    (cd "$work" && PATH="$work/bin:$PATH" "$collio" doctor >/dev/null)
    status=$?
    check "and its exit status" yes "$(test $status -le 1 && echo yes || echo $status)"
    h5pcc "$(fitting "$version" $other)"
    check "h5pcc of the other MPI" wE25 "$(found "$collio" doctor)"
    h5pcc "$(fitting 1.8.23 $flavour)"
    check "h5pcc of another HDF5" wE25 "$(found "$collio" doctor)"
    h5pcc "$(fitting "$version" $flavour | sed 's/yes/no/')"
    check "h5pcc of a serial HDF5" wE25 "$(found "$collio" doctor)"
    h5pcc "$(fitting "$version" $flavour)"
fi
rm -f "$work/bin/mpiexec"
case $other in
mpich) says='HYDRA build details:' ;;
*) says='mpiexec (OpenRTE) 4.1.4' ;;
esac
printf '#!/bin/sh\necho "%s"\n' "$says" >"$work/bin/mpiexec"
chmod +x "$work/bin/mpiexec"
check "mpiexec of the other MPI on PATH" wE11 "$(found "$collio" doctor)"
printf '#!/bin/sh\nsleep 60\n' >"$work/bin/mpiexec"
check "mpiexec that does not answer" "" "$(found "$collio" doctor)"
rm "$work/bin/mpiexec"
ln -s "$MPIEXEC" "$work/bin/mpiexec"
mkdir "$work/few"
for tool in sh cat env sed rm mkdir ls dirname basename grep; do ln -s "$(command -v $tool)" "$work/few/"; done
check "no h5pcc at all" wE24 "$(cd "$work" && PATH="$work/few" "$collio" doctor --json 2>"$work/err" |
    sed -n 's/.*"id": "\([^"]*\)", "level": "\(w\)arning".*/\2\1/p; s/.*"id": "\([^"]*\)", "level": "\(f\)ailure".*/\2\1/p' | grep -vE '^w(E4|E50)' | tr '\n' ' ' | sed 's/ $//')"

check "a directory that is not there" fE44 "$(found "$collio" doctor --dir no/such)"
check "no files are left behind" "" "$(ls -A "$work" | grep doctor)"

# Launchers: this build under its own, and under the other one, if that is installed.
check "ranks under the launcher of the same MPI" "" "$(found "$MPIEXEC" -n 2 "$collio" doctor)"
check "one report from 2 ranks" 1 "$(grep -c '"collio":' "$work/out")"
check "ranks in a directory that is not there" "fE44 fE52" "$(found "$MPIEXEC" -n 2 "$collio" doctor --dir no/such)"
(cd "$work" && "$MPIEXEC" -n 2 "$collio" doctor --dir no/such >/dev/null 2>&1)
check "the exit status comes through the launcher" 2 $?
if command -v "mpiexec.$other" >/dev/null; then
    check "ranks under the launcher of the other MPI" "fE10" "$(found "mpiexec.$other" -n 2 "$collio" doctor)"
    check "one report from 2 processes that are alone" 1 "$(grep -c '"collio":' "$work/out")"
fi
check "a launcher's variables that were lost" yes "$(found "$MPIEXEC" -n 2 env -i PATH="$PATH" "$collio" doctor >/dev/null
    grep -q '"id": "E13", "level": "warning"' "$work/out" && echo yes)"
check "Slurm without a PMI" "fE10 fE12" "$(SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0 found "$collio" doctor)"
echo "1..$count"
