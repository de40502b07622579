#!/usr/bin/env bash
# Runs all tests, the shaders on a software Vulkan driver. Arguments go to `cargo test`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/common.sh"
# lavapipe: the tests run the shaders on a real Vulkan adapter, GPU or not. RADV: tests/gpu_compiler asks AMD's compiler about them.
need_packages libvulkan1 mesa-vulkan-drivers
# The Vulkan loader complains where this is not set.
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}"
cd "$root"
cargo test --all-targets "$@"
cargo test --doc
# Once more the kernels, with lavapipe made to use subgroups of four, as other software drivers do: their class of kernels.
LP_NATIVE_VECTOR_WIDTH=128 cargo test --test kernels
