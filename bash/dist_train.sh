#!/usr/bin/env bash
# Train one recipe on several GPUs of this machine:  bash bash/dist_train.sh CONFIG GPUS [options of tools/train.py]
# On several machines start torchrun --nnodes N yourself with the same last line.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo 'usage: bash bash/dist_train.sh CONFIG GPUS [options of tools/train.py]' >&2
    exit 2
fi
config=$1 gpus=$2
shift 2
PYTHON=${PYTHON:-python}
here=$("$PYTHON" -c 'import torch; print(torch.cuda.device_count())')
if ! [[ $gpus =~ ^[1-9][0-9]*$ ]] || [ "$gpus" -gt "$here" ]; then
    echo "error: $gpus GPUs asked for, $here here; without a GPU use: python tools/train.py $config" >&2
    exit 2
fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec "$PYTHON" -m torch.distributed.run --standalone --nproc-per-node "$gpus" \
    "$(dirname "$0")/../tools/train.py" "$config" --launcher pytorch "$@"
