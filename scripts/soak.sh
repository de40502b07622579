#!/usr/bin/env bash
# Ten minutes (or the seconds given) of random control changes, with rests between them, in a real window of 1280x800, drawn by lavapipe on a display of its own;
# prints memory and frame times every ten seconds. The network runs on the CPU, or on the device given.
#
#     scripts/soak.sh [SECONDS] [DEVICE]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/common.sh"
seconds=${1:-600} device=${2:-cpu}
need_packages libvulkan1 mesa-vulkan-drivers xvfb xauth xdotool
cargo build --release --quiet --example soak --manifest-path "$root/Cargo.toml"
soak="${CARGO_TARGET_DIR:-$root/target}/release/examples/soak"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
unset WAYLAND_DISPLAY WAYLAND_SOCKET
cd "$home"
HOME="$home" XDG_DATA_HOME="$home" XDG_RUNTIME_DIR="$home" \
    xvfb-run -a -s "-screen 0 1280x800x24" bash -c '
        # Without the focus nothing is computed ahead, and no window manager gives it.
        (sleep 5 && xdotool search --onlyvisible --class etude windowfocus) &
        "$@"' soak "$soak" "$seconds" "$device"
