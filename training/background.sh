#!/usr/bin/env bash
# Starts a training, or goes on with it, at the lowest priority and apart from the terminal:
#
#   background.sh RUN [options of train.py]     RUN.log grows; the options are kept in RUN/options
#   background.sh RUN                           goes on with the options it was started with
#
# `touch RUN/pause` lets it sleep, `rm RUN/pause` wakes it, `./status.py RUN` says how far it is.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
run=${1%/}
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${ETUDE_TRAINING_PYTHON:-python3}
mkdir -p "$run"
if [ $# -gt 0 ]; then
    printf '%q ' "$@" >"$run/options.new"
    mv "$run/options.new" "$run/options"
elif [ -f "$run/options" ]; then
    eval "set -- $(cat "$run/options")"
else
    echo "error: $run/options: not found; say the options of train.py once" >&2
    exit 2
fi
# Linux weighs sessions against each other first (autogroup), so that nice alone would count only among the programs of this one.
stand_back='[ ! -w /proc/self/autogroup ] || echo 19 >/proc/self/autogroup; exec nice -n 19 "$@"'
# Large pages for what glibc allocates, where the kernel has them: 2 to 3 % of a step, as measured once on a virtual machine.
export GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}
setsid nohup bash -c "$stand_back" - "$python" "$here/train.py" --run "$run" "$@" >>"$run.log" 2>&1 </dev/null &
echo "process $!, log $run.log"
