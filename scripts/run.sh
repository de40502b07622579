#!/usr/bin/env bash
# Builds étude and runs it: without arguments it samples 16 images to etude.png; with arguments it runs `etude ARGUMENTS`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/common.sh"
# The Vulkan loader, through which a GPU's driver is found. Without a GPU the program computes on the CPU.
need_packages libvulkan1
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}" # the Vulkan loader complains where this is not set
say "building (the first time takes a few minutes)"
cargo build --release --quiet --manifest-path "$root/Cargo.toml"
etude="${CARGO_TARGET_DIR:-$root/target}/release/etude"
if [ $# -gt 0 ]; then
    exec "$etude" "$@"
fi
out="$PWD/etude.png"
"$etude" sample --out "$out"
say "the picture is $out; see '$etude --help' for what else there is"
