#!/usr/bin/env bash
# A tour of the viewer in a real window on a display of its own (Xvfb): opens every panel, drags η, and writes a screenshot of each.
#
#     scripts/tour.sh [FOLDER] [WIDTHxHEIGHT] [light|dark] [ZOOM STEPS]
#
# viewer, compare, interpolate, explain, rewind, fork, race and pin of `scripts/tour.sh FOLDER 1280x800 dark` are those of docs/.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/common.sh"
folder=${1:-$root/target/tour} size=${2:-1280x800} looks=${3:-dark} zoom=${4:-0}
need_packages libvulkan1 mesa-vulkan-drivers xvfb xdotool imagemagick openbox
mkdir -p "$folder"
etude=${ETUDE:-}
if [ -z "$etude" ]; then
    cargo build --release --quiet --manifest-path "$root/Cargo.toml"
    etude="${CARGO_TARGET_DIR:-$root/target}/release/etude"
fi
home=$(mktemp -d)
width=${size%x*} height=${size#*x}
export XDG_RUNTIME_DIR="$home" XDG_DATA_HOME="$home" HOME="$home"
unset WAYLAND_DISPLAY WAYLAND_SOCKET
exec 3>"$home/display"
Xvfb -displayfd 3 -screen 0 "${width}x$((height + 40))x24" >/dev/null 2>&1 &
xvfb=$!
app=
trap 'kill $app $xvfb 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$home"' EXIT
until [ -s "$home/display" ]; do sleep 0.1; done
export DISPLAY=":$(cat "$home/display")"
openbox >/dev/null 2>&1 &
(cd "$home" && exec "$etude" view --device cpu --theme "$looks") >"$home/log" 2>&1 &
app=$!
window=
for _ in $(seq 300); do
    window=$(xdotool search --onlyvisible --class etude 2>/dev/null | head -1) && [ -n "$window" ] && break
    kill -0 "$app" 2>/dev/null || { cat "$home/log" >&2; exit 1; }
    sleep 0.2
done
xdotool windowmove "$window" 0 0 windowsize "$window" "$width" "$height"
sleep 2
shot() { # shot NAME: what is on screen, as FOLDER/NAME.png
    import -window "$window" -depth 8 "$folder/$1.png"
    say "$folder/$1.png"
}
scrolled() { # scrolled NAME: the same at its lower end
    xdotool mousemove $((width * 2 / 3)) $((height * 2 / 3)) click --repeat 20 --delay 20 5 mousemove $((width - 30)) $((height + 8))
    sleep 0.6
    shot "$1"
}
key() { xdotool key --window "$window" "$@"; sleep 0.4; }
# drag X1 Y1 X2 Y2: the left button, in twenty moves
drag() {
    xdotool mousemove "$1" "$2" mousedown 1
    local i
    for i in $(seq 20); do
        xdotool mousemove $(($1 + ($3 - $1) * i / 20)) $(($2 + ($4 - $2) * i / 20))
        sleep 0.05
    done
    xdotool mouseup 1
}
# What one is looking at is put away.
key Escape
xdotool windowfocus "$window" mousemove $((width - 30)) $((height + 8))
for _ in $(seq "$zoom"); do key ctrl+plus; done
sleep 3
shot start
key Home
for _ in $(seq 20); do key Right; done
shot viewer
key End
if [ "$zoom" = 0 ]; then
    drag 22 160 150 160
    xdotool mousemove $((width - 30)) $((height + 8))
    sleep 2
    shot eta
fi
key F4; sleep 2
shot explain
scrolled explain-below
key F2; sleep 12
shot compare
scrolled compare-below
key F3; sleep 8
shot interpolate
scrolled interpolate-below
key F5; sleep 40
shot rewind
key F6; sleep 25
shot fork
key F7; sleep 1
key ctrl+r; sleep 25
shot race
key F1; sleep 2
key p; key 5; sleep 8
shot pin
key p; key 0; sleep 2
key F11; sleep 2
shot presentation
kill -0 "$app" || { cat "$home/log" >&2; exit 1; }
