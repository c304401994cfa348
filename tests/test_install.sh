#!/bin/sh
# What `make install` leaves is enough to build and run a C program and to import the package.
. ./tests/env.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
prefix=$(sed -n 's/^prefix = //p' Makefile)
count=0

check() {
    count=$((count + 1))
    name=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        sed 's/^/# /' "$work/out"
    fi
}

installed_with_pkg_config() {
    PKG_CONFIG_PATH=$work$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work pkg-config "$@" collio
}

compile() {
    $CC -o "$work/rows" "$top_srcdir/samples/rows.c" $(installed_with_pkg_config --cflags --libs)
}

run() {
    (cd "$work" && LD_LIBRARY_PATH=$work$prefix/lib "$MPIEXEC" -n 2 ./rows rows.h5)
}

import() {
    package=$(find "$work$prefix" -type d -name collio -path '*python*')
    (cd "$work" && env -u PYTHONPATH PYTHONPATH="$(dirname "$package")" "$PYTHON" -c \
        "import collio, sys; from collio import MPI; sys.exit(not collio.__file__.startswith('$work'))")
}

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PYTHONDONTWRITEBYTECODE=1
check "make install" make install DESTDIR="$work" MAKEFLAGS=
check "a C program builds with pkg-config" compile
check "and runs" run
test -z "$PYTHON" || check "the package is imported from where it was installed" import
check "make uninstall" make uninstall DESTDIR="$work" MAKEFLAGS=
check "nothing is left" test -z "$(find "$work$prefix" -type f)"
echo "1..$count"
