#!/usr/bin/env bash
# The browser build.
#
#     scripts/web.sh check    compiles the library with the viewer for wasm32-unknown-unknown
#     scripts/web.sh test     runs tests/web in headless Chromium: a model's steps through WebGPU, on a driver that computes on the processor
#
# The test fails where no browser is found and none can be installed. With ETUDE_SKIP_WEB=1 it says so and is skipped, and installs none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/common.sh
target=wasm32-unknown-unknown

check() {
    cargo_for $target check --quiet --lib --no-default-features --features app
}

run_test() {
    need_packages python3
    local browser=0
    python3 tests/web/browser.py --find >/dev/null || browser=$?
    if [ "$browser" != 0 ]; then
        if [ "${ETUDE_SKIP_WEB:-}" = 1 ]; then
            say "tests/web is skipped: there is no browser, and ETUDE_SKIP_WEB=1"
            return
        fi
        need_packages chromium
    fi
    local site=${CARGO_TARGET_DIR:-target}/web
    cargo_for $target build --quiet -p etude-web-steps
    cargo run --quiet -p etude-bindgen -- "$built/debug/etude_web_steps.wasm" "$site"
    cp tests/web/index.html "$site"
    # It takes some fifteen seconds on two cores, nearly all of them to compile the shaders for the processor.
    python3 tests/web/browser.py "$site" index.html 300
}

case "${1:-}" in
    check) check ;;
    test) run_test ;;
    *)
        say "usage: scripts/web.sh check|test"
        exit 2
        ;;
esac
