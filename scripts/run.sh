#!/usr/bin/env bash
# Builds étude and runs it: without arguments it opens the viewer's window; with arguments it runs `etude ARGUMENTS`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/common.sh"
# The Vulkan loader, through which a GPU's driver is found; a driver that draws the window where there is no GPU (the network runs on
# the CPU then); and the libraries through which a window is opened under X11. Wayland's are part of every Wayland desktop.
need_packages libvulkan1 mesa-vulkan-drivers libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon0 libxkbcommon-x11-0
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}" # the Vulkan loader complains where this is not set
say "building (the first time takes a few minutes)"
cargo build --release --quiet --manifest-path "$root/Cargo.toml"
etude="${CARGO_TARGET_DIR:-$root/target}/release/etude"
exec "$etude" "$@"
