#!/usr/bin/env bash
# A tour of the viewer in a real window on a display of its own (Xvfb): opens every panel, drags η, and writes a screenshot of each.
#
#     scripts/tour.sh [FOLDER] [WIDTHxHEIGHT] [light|dark] [ZOOM STEPS]
#
# viewer, compare, interpolate, explain, rewind, fork, race and pin of `scripts/tour.sh FOLDER 1280x800 dark` are those of docs/.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/common.sh"
. "$root/scripts/window.sh"
folder=${1:-$root/target/tour} size=${2:-1280x800} looks=${3:-dark} zoom=${4:-0}
mkdir -p "$folder"
folder=$(realpath "$folder")
width=${size%x*} height=${size#*x}
open_window "$width" "$height" "$looks"
shot() { # shot NAME: what is on screen, as FOLDER/NAME.png
    import -window "$window" -depth 8 "$folder/$1.png"
    say "$folder/$1.png"
}
scrolled() { # scrolled NAME: the same at its lower end
    xdotool mousemove $((width * 2 / 3)) $((height * 2 / 3)) click --repeat 20 --delay 20 5 mousemove $((width - 30)) $((height + 8))
    sleep 0.6
    shot "$1"
}
for _ in $(seq "$zoom"); do key ctrl+plus; done
sleep 3
shot start
key Home
for _ in $(seq 20); do key Right; done
shot viewer
key End
if [ "$zoom" = 0 ]; then
    drag 17 142 150 142
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
is_open
