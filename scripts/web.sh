#!/usr/bin/env bash
# The browser build.
#
#     scripts/web.sh build        makes the page in target/web/: static files for any server, under any path
#     scripts/web.sh serve [PORT] serves that folder on this machine, at port 8000 or PORT; builds it first where it is not there
#     scripts/web.sh check        compiles the library with the viewer for wasm32-unknown-unknown
#     scripts/web.sh test         runs tests/web in headless Chromium, WebGPU on a driver that computes on the processor
#
# ETUDE_WEB_PROFILE=dev builds faster, and a larger page. The test fails where no browser is found and none can be installed. With
# ETUDE_SKIP_WEB=1 it says so and is skipped, and installs none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/common.sh
target=wasm32-unknown-unknown
# Every browser with WebGPU has these instructions, and each other one of the last years.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128"
folder=${CARGO_TARGET_DIR:-target}
site=$folder/web
binaryen=132.0.0

check() {
    cargo_for $target check --quiet --lib --no-default-features --features app
}

# bindgen FILE.wasm FOLDER: the module and the JavaScript that loads it.
bindgen() {
    cargo run --quiet -p etude-bindgen -- "$1" "$2"
}

# wasm_opt FILE.wasm: makes it smaller, where a tool for that is there or can be installed. Debian's is too old for what Rust emits today, so
# it is npm's where that is.
wasm_opt() {
    local tool=$folder/binaryen/node_modules/.bin/wasm-opt
    if [ ! -x "$tool" ]; then
        tool=$(command -v wasm-opt || true)
    fi
    if [ -z "$tool" ] && command -v npm >/dev/null 2>&1; then
        say "installing npm's binaryen below $folder, for wasm-opt"
        npm install --silent --no-audit --no-fund --prefix "$folder/binaryen" binaryen@$binaryen >&2 || say "npm could not install it"
        tool=$folder/binaryen/node_modules/.bin/wasm-opt
    fi
    if [ ! -x "$tool" ]; then
        say "there is no wasm-opt and no npm to install it with: the page works, and is a fifth larger"
        return
    fi
    "$tool" "$1" -o "$1.small" -O3 --enable-simd --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
        --enable-reference-types --enable-multivalue
    mv "$1.small" "$1"
}

build() {
    local profile=${ETUDE_WEB_PROFILE:-web} new=$site.new version
    cargo_for $target build --quiet --profile "$profile" --bin etude --no-default-features --features app
    rm -rf "$new"
    mkdir -p "$new"
    bindgen "$built/${profile/#dev/debug}/etude.wasm" "$new"
    if [ "$profile" = web ]; then
        wasm_opt "$new/etude_bg.wasm"
    fi
    cp web/page.css web/page.js web/worker.js "$new"
    # The browser may keep each file for as long as it likes: of another version its address is another.
    version=$(cat "$new"/*.wasm "$new"/*.js "$new"/*.css | sha256sum | cut -c1-16)
    sed "s/VERSION/$version/g; s/BYTES/$(wc -c <"$new/etude_bg.wasm")/" web/index.html >"$new/index.html"
    models "$new"
    rm -rf "$site"
    mv "$new" "$site"
    say "$site: $(du -sh "$site" | cut -f1), of which the program $(wc -c <"$site/etude_bg.wasm") bytes, $(gzip -9c "$site/etude_bg.wasm" | wc -c) by gzip"
}

serve() {
    need_packages python3
    [ -f "$site/index.html" ] || build
    python3 web/serve.py "$site" "${1:-8000}"
}

# models FOLDER: the weights of the models that come with the program.
models() {
    local model
    for model in assets/models/*/; do
        model=$(basename "$model")
        mkdir -p "$1/models/$model"
        cp "assets/models/$model/diffusion_pytorch_model.safetensors" "$1/models/$model"
    done
}

run_test() {
    need_packages python3
    local browser=0 steps=$folder/web-steps
    python3 tests/web/browser.py --find >/dev/null || browser=$?
    if [ "$browser" != 0 ]; then
        if [ "${ETUDE_SKIP_WEB:-}" = 1 ]; then
            say "tests/web is skipped: there is no browser, and ETUDE_SKIP_WEB=1"
            return
        fi
        need_packages chromium
    fi
    cargo_for $target build --quiet -p etude-web-steps
    bindgen "$built/debug/etude_web_steps.wasm" "$steps"
    cp tests/web/index.html "$steps"
    models "$steps"
    # It takes some fifteen seconds on two cores, nearly all of them to compile the shaders for the processor.
    python3 tests/web/browser.py "$steps" index.html 300
    # The page itself, as it is built fast; what was built small is tested by ETUDE_WEB_PROFILE=web.
    site=$folder/web-test
    ETUDE_WEB_PROFILE=${ETUDE_WEB_PROFILE:-dev} build
    cargo build --quiet --bin etude
    python3 -u tests/web/page.py "$site" "$folder/debug/etude"
}

case "${1:-}" in
    build) build ;;
    serve) serve "${2:-}" ;;
    check) check ;;
    test) run_test ;;
    *)
        say "usage: scripts/web.sh build|serve [PORT]|check|test"
        exit 2
        ;;
esac
