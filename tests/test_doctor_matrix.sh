#!/bin/sh
# What the doctor finds when other libraries are loaded beside collio: real ones where they are
# installed, small stand-ins for those that cannot be. Exactly these warnings and failures.
. ./tests/env.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
probe=$PWD/tests/doctor_probe
count=0
unset LD_PRELOAD

# expect NAME FINDINGS ARGUMENT...: what depends on the machine alone is left out.
expect() {
    count=$((count + 1))
    name=$1 wanted=$2
    shift 2
    got=$("$probe" "$@" 2>"$work/err")
    status=$?
    got=$(echo "$got" | grep -vE '^(E24|E44|E46|E50) ' | tr '\n' ',' | sed 's/,$//')
    if test $status -eq 77; then
        echo "ok $count - $name # SKIP cannot be loaded: $(tail -n 1 "$work/err")"
    elif test "$got" = "$wanted" && test $status -eq 0; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        printf 'wanted: %s\ngot: %s\n' "$wanted" "$got" | sed 's/^/# /'
        sed 's/^/# /' "$work/err"
    fi
}

# installed NAME FINDINGS LIBRARY: the same for a library that may be installed.
installed() {
    case $3 in
    /*) file=$3 ;;
    *) file=$(find /usr/lib /usr/lib64 -name "$3" 2>/dev/null | head -n 1) ;;
    esac
    if test -n "$file" && test -e "$file"; then
        expect "$1" "$2" "$file"
    else
        count=$((count + 1))
        echo "ok $count - $1 # SKIP $3 is not installed"
    fi
}

# stand_in NAME CODE [FLAG...]: a shared object of that C code.
stand_in() {
    file=$work/$1
    printf '%s\n' "$2" >"$work/code.c"
    shift 2
    gcc -shared -fPIC -o "$file" "$work/code.c" "$@"
}

mpi() { printf '#include <string.h>\nint MPI_Get_library_version(char *t, int *n) { strcpy(t, "%s"); *n = (int)strlen(t); return 0; }\n' "$1"; }
hdf5() { printf 'int H5open(void) { return 0; }\nchar settings[] = "SUMMARY OF THE HDF5 CONFIGURATION\\n=====\\n HDF5 Version: %s\\n Parallel HDF5: %s\\n";\n%s\n' "$1" "$2" "$3"; }

expect "nothing else loaded" ""

# Real libraries. A serial HDF5 and one of the other MPI have different names, and are not mixed up.
twice=failure
test "$HDF5_KIND" = parallel || twice=warning
case $MPIEXEC in *openmpi) ours=openmpi ;; *mpich) ours=mpich ;; *) ours= ;; esac
case $ours in
mpich)
    installed "Open MPI beside MPICH" "E02 failure,glance E02" "libmpi.so.40"
    installed "HDF5 of Open MPI beside that of MPICH" \
        "E02 failure,E21 failure,E22 $twice,glance E02" "libhdf5_openmpi.so.103" ;;
openmpi)
    installed "MPICH beside Open MPI" "E02 failure,glance E02" "libmpich.so.12"
    installed "HDF5 of MPICH beside that of Open MPI" \
        "E02 failure,E21 failure,E22 $twice,glance E02" "libhdf5_mpich.so.103" ;;
esac
if test "$HDF5_KIND" = parallel; then
    installed "a serial HDF5 beside the parallel one" "E22 warning" "libhdf5_serial.so.103"
fi

# Stand-ins.
stand_in libintel.so "$(mpi 'Intel(R) MPI Library 2021.9 for Linux* OS')"
stand_in libcray.so "$(mpi 'MPI VERSION    : CRAY MPICH version 8.1.28 (ANL base 3.4a2)')"
stand_in libmvapich.so "$(mpi 'MVAPICH2 Version : 2.3.7')"
stand_in libabi.so "$(mpi 'MPICH Version: 5.0.0')
int MPI_Abi_get_version(int *a, int *b) { *a = 1; *b = 0; return 0; }"
stand_in libprofiler.so "$(mpi 'never called')
int PMPI_Init(int *, char ***);
int MPI_Init(int *c, char ***v) { return PMPI_Init(c, v); }"
for name in intel cray mvapich abi; do
    expect "a stand-in for the MPI of $name" "E02 failure,glance E02" "$work/lib$name.so"
done
expect "a profiler before MPI is no second MPI" "" "+$work/libprofiler.so"
stand_in libhdf5_18.so "$(hdf5 1.8.23 no '')"
stand_in libhdf5_2.so "$(hdf5 2.0.0 yes 'int H5Pset_fapl_mpio(void) { return 0; }')"
stand_in libhdf5_silent.so 'int H5open(void) { return 0; }'
for name in 18 2 silent; do
    expect "a stand-in for HDF5 ($name)" "E22 warning" "$work/libhdf5_$name.so"
done
soname=$(ldd "$PWD/.libs/libcollio.so" | sed -n 's/^[[:space:]]*\(libhdf5[^ ]*\) =>.*/\1/p' | head -n 1)
if test -n "$soname"; then
    mkdir "$work/twin"
    stand_in "twin/$soname.1" 'int H5open(void) { return 0; }' -Wl,-soname,"$soname"
    expect "HDF5 of the same name from elsewhere" "E22 failure,glance E22" "$work/twin/$soname.1"
fi
stand_in libstatic.so "static $(hdf5 1.10.8 yes '' | sed 's/char settings/char hidden/' | sed 1d)
const char *keep(void) { return hidden; }
static int H5open(void) { return 0; }
int call(void) { return H5open(); }" -fvisibility=hidden
expect "a static HDF5 inside an extension" "E26 warning" "$work/libstatic.so"
stand_in libhash.so "$(mpi 'MPICH Version: 3.2')" -Wl,--hash-style=sysv
expect "an object with the older hash table" "E02 failure,glance E02" "$work/libhash.so"

# Libraries of other versions than the headers: only the answer about the version is replaced.
version() {
    stand_in "libversion$1.so" "int H5get_libversion(unsigned *a, unsigned *b, unsigned *c) { *a = $2; *b = $3; *c = $4; return 0; }"
    LD_PRELOAD=$work/libversion$1.so
    export LD_PRELOAD
}
version 1 1 6 4
expect "HDF5 of another minor version than the headers" "E23 failure,glance E23"
header=$(sed -n 's/^#define H5_VERS_INFO *"HDF5 library version: \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' \
    $(printf '#include <hdf5.h>\n' | $CC $(pkg-config --cflags "hdf5-$ours" 2>/dev/null) -E -M -x c - 2>/dev/null |
      tr ' ' '\n' | grep '/H5public\.h$') /dev/null)
if test -n "$header"; then
    version 2 $header 99
    expect "HDF5 of another release than the headers" "E23 warning"
fi
unset LD_PRELOAD

expect "another Python" "E30 failure" python.version=3.12.0 python.built=3.11.2
expect "NumPy 2 under an extension built with 1" "E31 failure" numpy.version=2.1.0 numpy.built=1.26.0
expect "NumPy 1 under an extension built with 2" "" numpy.version=1.26.0 numpy.built=2.1.0
expect "NumPy 1.24 under an extension built with 2, by their interfaces" "" \
    numpy.version=1.24.2 numpy.built=2.0 numpy.abi=0x1000009 numpy.abi_built=0x2000000 numpy.api=0x10 numpy.api_built=0x10
expect "NumPy without functions that the extension was built for" "E31 failure" \
    numpy.version=1.24.2 numpy.built=1.0 numpy.abi=0x1000009 numpy.abi_built=0x1000009 numpy.api=0x10 numpy.api_built=0x12
expect "a package from elsewhere in a virtual environment" "E32 warning" \
    python.prefix=/venv python.base_prefix=/usr numpy.file=/home/u/.local/lib/numpy/__init__.py
expect "packages of a virtual environment and of the Python below it" "" \
    python.prefix=/venv python.base_prefix=/usr numpy.file=/venv/lib/numpy/__init__.py h5py.file=/usr/lib/h5py/__init__.py

# conda: an environment that has a library of the name of one that came from elsewhere.
mpi_file=$(ldd "$PWD/.libs/libcollio.so" | sed -n 's/^[[:space:]]*libmpi[^ ]* => \([^ ]*\).*/\1/p' | head -n 1)
if test -n "$mpi_file"; then
    mkdir -p "$work/conda/lib"
    CONDA_PREFIX=$work/conda
    export CONDA_PREFIX
    expect "a conda environment without an MPI of its own" "" python.prefix="$work/conda" python.base_prefix="$work/conda"
    stand_in "conda/lib/$(basename "$mpi_file")" "$(mpi 'MPICH Version: 4.2.2')"
    expect "a conda environment whose MPI is passed over" "E33 warning" python.prefix="$work/conda" python.base_prefix="$work/conda"
    expect "a program outside of conda" "" python.prefix=/usr python.base_prefix=/usr
    unset CONDA_PREFIX
fi

# A launcher outside of a container.
case $ours in mpich) claim=OMPI_COMM_WORLD_SIZE=2 fits=PMI_SIZE=2 ;; *) claim=PMI_SIZE=2 fits=OMPI_COMM_WORLD_SIZE=2 ;; esac
real=$probe
for kind in "$claim" "$fits"; do
    printf '#!/bin/sh\nexec env APPTAINER_NAME=image.sif %s "%s" "$@"\n' "$kind" "$real" >"$work/probe"
    chmod +x "$work/probe"
    probe=$work/probe
    wanted=
    test "$kind" = "$claim" && wanted="E14 warning"
    expect "in a container, with $kind" "$wanted"
done
probe=$real

expect "mpi4py of another MPI" "E03 failure" mpi4py.comm_size=12 mpi4py.library=Other
echo "1..$count"
