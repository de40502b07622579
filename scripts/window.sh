# Shared by the scripts that show the viewer: a real window on a display of its own (Xvfb), and hands for it. Sourced after common.sh.

# open_window WIDTH HEIGHT light|dark [ARGUMENTS]: starts the viewer of $ETUDE, or of a release build, with the controls of the picture that
# `etude sample ARGUMENTS` makes, where there are any, and waits for its window. `window` is then its id; `home` is an empty folder that it takes
# for the user's, in which Xvfb_screen0 holds what is on screen, the pointer too, as an .xwd.
open_window() {
    local width=$1 height=$2 looks=$3 etude=${ETUDE:-}
    shift 3
    need_packages libvulkan1 mesa-vulkan-drivers xvfb xdotool imagemagick openbox
    if [ -z "$etude" ]; then
        cargo build --release --quiet --manifest-path "$root/Cargo.toml"
        etude="${CARGO_TARGET_DIR:-$root/target}/release/etude"
    fi
    etude=$(realpath "$etude")
    home=$(mktemp -d)
    export XDG_RUNTIME_DIR="$home" XDG_DATA_HOME="$home" HOME="$home"
    unset WAYLAND_DISPLAY WAYLAND_SOCKET
    exec 3>"$home/display"
    Xvfb -displayfd 3 -fbdir "$home" -screen 0 "${width}x$((height + 40))x24" >/dev/null 2>&1 &
    xvfb=$!
    app=
    trap close_window EXIT
    until [ -s "$home/display" ]; do sleep 0.1; done
    DISPLAY=":$(cat "$home/display")"
    export DISPLAY
    # Windows without frames: what is at (X, Y) of the window is there on the screen.
    mkdir -p "$home/.config/openbox"
    printf '%s\n' '<openbox_config xmlns="http://openbox.org/3.4/rc"><applications><application class="*"><decor>no</decor></application></applications></openbox_config>' >"$home/.config/openbox/rc.xml"
    XDG_CONFIG_HOME="$home/.config" openbox >/dev/null 2>&1 &
    local picture=()
    if [ $# -gt 0 ]; then
        picture=("$home/controls.png")
        "$etude" sample --quiet --device cpu "$@" --out "${picture[0]}"
    fi
    (cd "$home" && exec "$etude" view --device cpu --theme "$looks" "${picture[@]}") >"$home/log" 2>&1 &
    app=$!
    window=
    for _ in $(seq 300); do
        window=$(xdotool search --onlyvisible --class etude 2>/dev/null | head -1) && [ -n "$window" ] && break
        is_open
        sleep 0.2
    done
    xdotool windowmove "$window" 0 0 windowsize "$window" "$width" "$height"
    sleep 2
    # What one is looking at is put away.
    key Escape
    xdotool windowfocus "$window" mousemove $((width - 30)) $((height + 8))
}

close_window() {
    kill $app $xvfb 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$home"
}

# is_open: ends the script, with what the viewer said, where its window is gone.
is_open() { kill -0 "$app" 2>/dev/null || { cat "$home/log" >&2; exit 1; }; }

key() { xdotool key --window "$window" "$@"; sleep 0.4; }

# drag X1 Y1 X2 Y2 [MOVES [SECONDS EACH]]: the left button, in twenty moves
drag() {
    xdotool mousemove "$1" "$2" mousedown 1
    local i moves=${5:-20}
    for i in $(seq "$moves"); do
        xdotool mousemove $(($1 + ($3 - $1) * i / moves)) $(($2 + ($4 - $2) * i / moves))
        sleep "${6:-0.05}"
    done
    xdotool mouseup 1
}
