#!/usr/bin/env bash
# The animation that README opens with: η dragged from 0 to 1 and back in a real window on a display of its own (Xvfb).
#
#     scripts/opening.sh [OUT.png] [WIDTHxHEIGHT]
#
# `scripts/opening.sh docs/opening.png` is that of docs/. What is on screen is copied about ten times a second while the pointer moves, so
# it shows what a hand sees; it wants a machine that has nothing else to do.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/common.sh"
. "$root/scripts/window.sh"
out=$(realpath -m "${1:-$root/target/opening.png}") size=${2:-1000x620}
width=${size%x*} height=${size#*x}
mkdir -p "$(dirname "$out")"
user_home=$HOME
# Of these samples the first changes most, and is worth looking at at each η.
open_window "$width" "$height" dark --seed 32 --steps 50 --eta 0 --noise-seed 1 --count 4
shots="$home/shots"
mkdir "$shots"
# Where the slider of η is, and its handle at 0 and at 1.
y=172 zero=17 one=274 rest=560
xdotool mousemove "$((zero + 90))" "$rest"
# Until the batch is there and the pictures at other η are ready.
sleep "${SETTLE:-120}"
now() { date +%s%3N; }
start=$(now)
recording() { # copies what is on screen into N.xwd, N milliseconds after the start, until the file `done` is there
    while [ ! -e "$home/done" ]; do
        cp "$home/Xvfb_screen0" "$shots/$(($(now) - start)).xwd"
        sleep 0.06
    done
}
move() { # move X1 X2: along the slider
    local i
    for i in $(seq 26); do
        xdotool mousemove $(($1 + ($2 - $1) * i / 26)) "$y"
        sleep 0.095
    done
}
recording &
recorder=$!
sleep 0.7
# The button is held at the other end, too: no word about the slider covers the pictures.
xdotool mousemove "$zero" "$y"
sleep 0.1
xdotool mousedown 1
move "$zero" "$one"
sleep 1.2
move "$one" "$zero"
sleep 1
xdotool mouseup 1
sleep 0.15
xdotool mousemove "$((zero + 90))" "$rest"
sleep 0.8
touch "$home/done"
wait "$recorder"
is_open

# A frame every 100 ms: of the pictures taken the newest at that time. With 256 colours for all of them the file has a third of its size.
frames=() at=0 newest=
for shot in $(cd "$shots" && printf '%s\n' *.xwd | sort -n); do
    while [ -n "$newest" ] && [ "${shot%.xwd}" -gt "$at" ]; do
        frames+=("$shots/$newest.png") at=$((at + 100))
    done
    newest=${shot%.xwd}
    convert "xwd:$shots/$shot" -crop "${width}x$height+0+0" +repage -define png:compression-level=1 "$shots/$newest.png"
done
some=()
for number in $(seq 0 $((${#frames[@]} / 12 + 1)) $((${#frames[@]} - 1))); do some+=("${frames[number]}"); done
convert "${some[@]}" -append +dither -colors 256 -unique-colors "$home/palette.png"
mogrify +dither -remap "$home/palette.png" $(printf '%s\n' "${frames[@]}" | sort -u)
animate=${ETUDE:+$(dirname "$ETUDE")/examples/animate}
if [ -z "$animate" ]; then
    HOME=$user_home cargo build --release --quiet --manifest-path "$root/Cargo.toml" --example animate
    animate="${CARGO_TARGET_DIR:-$root/target}/release/examples/animate"
fi
"$animate" "$out" 100 1200 "${frames[@]}"
say "$out: ${#frames[@]} frames, $(($(stat -c %s "$out") / 1024)) KiB"
