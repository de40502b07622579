#!/usr/bin/env bash
# The browser build.
#
#     scripts/web.sh check    compiles the library with the viewer for wasm32-unknown-unknown
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/common.sh
case "${1:-}" in
    check)
        cargo_for wasm32-unknown-unknown check --quiet --lib --no-default-features --features app
        ;;
    *)
        say "usage: scripts/web.sh check"
        exit 2
        ;;
esac
