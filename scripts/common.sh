# Shared by run.sh and test.sh: installs what a bare Debian or Ubuntu machine lacks, and says what. Sourced, not run.

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
