#!/bin/sh
# Runs its arguments with the compiled code that the image holds. numba refuses a cache that it
# cannot write, so that a read-only image's is copied, which takes milliseconds.
set -eu
compiled=/opt/numba
# A cache is of one processor, by name. Those without AVX2 compile their own, as before.
if grep -qw avx2 /proc/cpuinfo; then
    export NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=+avx2,+fma
    if [ "$NUMBA_CACHE_DIR" != "$compiled" ]; then
        mkdir -p "$NUMBA_CACHE_DIR"
        cp -R "$compiled/." "$NUMBA_CACHE_DIR/"
    fi
fi
exec "$@"
