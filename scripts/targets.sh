#!/usr/bin/env bash
# Compiles the program, as far as that goes without their linkers, for the systems that are not this one: Windows and macOS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/common.sh
# The names in Windows' own libraries are looked up through a tool of this package.
need_packages binutils-mingw-w64-x86-64
for target in x86_64-pc-windows-gnu aarch64-apple-darwin; do
    say "checking for $target"
    cargo_for "$target" check --quiet
done
