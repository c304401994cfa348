# Install what is missing from Debian's packages and build collio into build/. Sourced by the
# commands of the README with `top` set to the source directory; says in one line what is wrong.

say() { printf '== %s\n' "$*"; }
die() { printf 'collio: %s\n' "$*" >&2; exit 1; }

test -f "$top/configure.ac" && test -f "$top/core/collio/core.h" ||
    die "$top is not a copy of collio's sources: run this from a clone of the repository"

build=$top/build
packages="gcc libc6-dev make autoconf automake libtool pkg-config mpich libmpich-dev
    libhdf5-mpich-dev hdf5-tools libdeflate-dev liblzf-dev python3-dev python3-numpy"

missing_packages() {
    for package in "$@"; do
        test "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ||
            printf '%s ' "$package"
    done
}

# Debian's packages, where there are any; elsewhere configure says what it lacks.
install_packages() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
    missing=$(missing_packages "$@")
    test -n "$missing" || return 0
    as_root=
    if test "$(id -u)" -ne 0; then
        command -v sudo >/dev/null || die "these packages are missing, and installing them needs root or sudo: $missing"
        as_root=sudo
    fi
    say "installing $missing"
    mkdir -p "$build"
    { $as_root apt-get update &&
      $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
    } >"$build/install.log" 2>&1 ||
        die "could not install $missing (no network?): $(grep -E '^(E|Err)' "$build/install.log" | tail -n 1), all in $build/install.log"
}

# configure_and_make DIRECTORY [ARGUMENT OF CONFIGURE...]
configure_and_make() {
    directory=$1
    shift
    mkdir -p "$directory"
    log=$directory/build.log
    command -v autoreconf >/dev/null || die "autoreconf not found: install autoconf, automake and libtool"
    { test -x "$top/configure" && test -z "$(find "$top" -path "$build" -prune -o \
          \( -name '*.am' -o -name configure.ac \) -newer "$top/configure" -print)" ||
      (cd "$top" && autoreconf -fi); } >"$log" 2>&1 ||
        die "autoreconf failed: $(tail -n 1 "$log"), all in $log"
    { test -f "$directory/Makefile" && test "$directory/config.status" -nt "$top/configure" ||
      (cd "$directory" && "$top/configure" "$@"); } >>"$log" 2>&1 ||
        die "configure failed: $(grep '^configure: error' "$log" | tail -n 1), all in $log"
    say "building in $directory ($(sed -n 's/^  *\(MPI\|HDF5\|Python\)  *\(.*\)/\1 \2/p' "$log" | paste -sd';'))"
    make -C "$directory" -j"$(nproc)" >>"$log" 2>&1 ||
        die "make failed: $(grep -m 1 'error' "$log"), all in $log"
}

# show_failures DIRECTORY: what the tests built there said beside the checks that failed.
show_failures() {
    find "$1" -name '*.log' -path '*/tests/*' -exec grep -h -B 12 -A 4 '^not ok' {} + | head -n 200
}
