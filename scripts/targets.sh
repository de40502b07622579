#!/usr/bin/env bash
# Compiles the program, as far as that goes without their linkers, for the systems that are not this one: Windows and macOS. Nor are their
# C compilers here: what the crate ring has in C becomes empty files, as nothing is linked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/common.sh
# The names in Windows' own libraries are looked up through a tool of this package.
need_packages binutils-mingw-w64-x86-64
no_compiler=$(mktemp)
trap 'rm -f "$no_compiler"' EXIT
cat >"$no_compiler" <<'END'
#!/usr/bin/env bash
while [ $# -gt 0 ]; do
    case "$1" in
        -o) : >"$2"; exit ;;
        *.a) : >"$1" ;;
    esac
    shift
done
END
chmod +x "$no_compiler"
for target in x86_64-pc-windows-gnu aarch64-apple-darwin; do
    say "checking for $target"
    export "CC_${target//-/_}=$no_compiler" "AR_${target//-/_}=$no_compiler"
    cargo_for "$target" check --quiet
done
