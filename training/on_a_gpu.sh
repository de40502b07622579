#!/usr/bin/env bash
# Trains on a set that came as mosaics (mosaics.py), exports the model and splits what is large, for a lent machine without a network:
#
#   on_a_gpu.sh MOSAICS OUT MINUTES [options of train.py]
#
# OUT gets the files of export.py; the weights come as diffusion_pytorch_model.safetensors.part00 … of 15 MiB (`cat` puts them together).
# Needs torch, numpy, safetensors and pillow. Called again after an interruption it goes on.
set -euo pipefail
mosaics=$1 out=$2 minutes=$3
shift 3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${ETUDE_TRAINING_PYTHON:-python3}
run=${ETUDE_TRAINING_RUN:-$out.run}
mkdir -p "$out"
"$python" "$here/train.py" --data "$mosaics" --run "$run" --minutes "$minutes" "$@"
"$python" "$here/export.py" "$run" "$out"
split --bytes 15M --numeric-suffixes "$out/diffusion_pytorch_model.safetensors" "$out/diffusion_pytorch_model.safetensors.part"
rm "$out/diffusion_pytorch_model.safetensors"
ls -l "$out"
