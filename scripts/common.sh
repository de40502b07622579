# Shared by the other scripts: installs what a bare Debian or Ubuntu machine lacks, and says what. Sourced, not run.

say() { printf '%s\n' "$*" >&2; }

# need_packages PACKAGE...: installs those that are missing, where apt is.
need_packages() {
    command -v dpkg-query >/dev/null 2>&1 || return 0
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || { say "please install, then try again: ${missing[*]}"; exit 2; }
        as_root=(sudo)
    fi
    say "installing with apt: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq || say "apt-get update failed; trying with the lists there are"
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if ! command -v cargo >/dev/null 2>&1 && [ -f "$HOME/.cargo/env" ]; then
    . "$HOME/.cargo/env"
fi
if ! command -v cargo >/dev/null 2>&1; then
    say "cargo is missing: install Rust 1.95 or later from https://rustup.rs, then try again"
    exit 2
fi
# rustc calls a C compiler to link.
command -v cc >/dev/null 2>&1 || need_packages gcc libc6-dev

# cargo_for TARGET ARGUMENTS...: runs `cargo ARGUMENTS --target TARGET`, with rustup's standard library for it, else with one that cargo
# builds from Debian's source; that compiler is another, so it gets a folder of its own. `built` is then the folder of what was built.
cargo_for() {
    local target=$1 folder=${CARGO_TARGET_DIR:-target} sysroot
    shift
    sysroot=$(rustc --print sysroot)
    if [ ! -d "$sysroot/lib/rustlib/$target/lib" ] && command -v rustup >/dev/null 2>&1; then
        say "adding rustup's standard library for $target"
        timeout 180 rustup target add "$target" >&2 || say "rustup could not add it; trying Debian's source"
    fi
    if [ -d "$sysroot/lib/rustlib/$target/lib" ]; then
        built="$folder/$target"
        cargo "$@" --target "$target"
        return
    fi
    need_packages rustc-web rust-web-src lld
    built="$folder/debian/$target"
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$folder/debian" \
        cargo "$@" -Zbuild-std=std,panic_abort --target "$target"
}
