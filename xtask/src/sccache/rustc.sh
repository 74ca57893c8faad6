#!/bin/sh
# Called by cargo as `rustc.sh RUSTC ARGUMENTS`: what was compiled before in any checkout, sccache takes from its cache.
# With an option of sccache it is sccache, which needs the same environment.
set -eu
programs=${0%/*}
cache=${programs%/built/*}/sccache
# A server of its own: somebody's other one has another cache.
export SCCACHE_CONF="$cache/none" SCCACHE_DIR="$cache/compiled" SCCACHE_SERVER_UDS="$cache/socket"
# Compressed; what was not used for longest goes first.
export SCCACHE_CACHE_SIZE=4G
# In seconds: a task that is killed stops no server.
export SCCACHE_IDLE_TIMEOUT=900
export SCCACHE_IGNORE_SERVER_IO_ERROR=1
# Cargo has turned them into arguments. sccache refuses to work with the first two, and compares all that begin with CARGO_.
unset CARGO_INCREMENTAL CARGO_BUILD_INCREMENTAL CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR

case "$*" in
--*)
    mkdir -p "$cache/generated"
    exec "$programs/sccache" "$@"
    ;;
# Our own crates, which sccache does not keep; and what a test compiles for a release.
*" incremental="* | *" opt-level=3 "*) exec "$@" ;;
esac

# What a build script has generated is read from a place that its content names. rustc writes the path into what it
# compiles: from target/, each checkout would have its own serde, and its own of all that depends on it.
# A library stays where it is: it is linked, not read.
if [ -d "${OUT_DIR-}" ] && [ -z "$(find "$OUT_DIR" -name '*.a')" ] && [ -n "$(find "$OUT_DIR" -type f)" ]; then
    content=$(cd "$OUT_DIR" && find . -type f -exec sha256sum {} + | LC_ALL=C sort | sha256sum)
    place=$cache/generated/$CARGO_PKG_NAME-$(printf %.16s "$content")
    if [ ! -d "$place" ]; then
        cp -pR "$OUT_DIR" "$place.$$"
        # Another rustc may have been quicker.
        mv -T "$place.$$" "$place" 2>/dev/null || rm -r "$place.$$"
    fi
    export OUT_DIR="$place"
fi

status=0
"$programs/sccache" "$@" || status=$?
# sccache itself failed, as on a full disk: rustc ends with 1 or 101.
if [ "$status" = 2 ]; then
    exec "$@"
fi
exit "$status"
