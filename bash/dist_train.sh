#!/usr/bin/env bash
# Train one recipe on several GPUs of one machine:   bash bash/dist_train.sh CONFIG GPUS [options of tools/train.py]
# Of several machines, say on each how many GPUs it has to give, which one it is, and where number 0 listens:
#   NNODES=2 NODE_RANK=0 MASTER_ADDR=10.0.0.1 MASTER_PORT=29500 bash bash/dist_train.sh CONFIG GPUS
#   NNODES=2 NODE_RANK=1 MASTER_ADDR=10.0.0.1 MASTER_PORT=29500 bash bash/dist_train.sh CONFIG GPUS
# All of them start in the same folder of a file system that they share; the results come there once.
set -euo pipefail
fail() {
    echo "error: $1" >&2
    exit 2
}
if [ $# -lt 2 ]; then
    echo 'usage: bash bash/dist_train.sh CONFIG GPUS [options of tools/train.py]' >&2
    exit 2
fi
config=$1 gpus=$2
shift 2
PYTHON=${PYTHON:-python}
here=$("$PYTHON" -c 'import torch; print(torch.cuda.device_count())')
if ! [[ $gpus =~ ^[1-9][0-9]*$ ]] || [ "$gpus" -gt "$here" ]; then
    fail "$gpus GPUs asked for, $here here; without a GPU use: python tools/train.py $config"
fi
NNODES=${NNODES:-1}
[[ $NNODES =~ ^[1-9][0-9]*$ ]] || fail "NNODES=$NNODES: how many machines take part, from 1 on"
meeting=(--standalone)
if [ "$NNODES" -gt 1 ]; then
    last=$((NNODES - 1))
    [ -n "${NODE_RANK:-}" ] || fail "NODE_RANK is missing: which of NNODES=$NNODES machines this is, 0 to $last"
    [ -n "${MASTER_ADDR:-}" ] || fail "MASTER_ADDR is missing: the address of the machine with NODE_RANK=0"
    if ! [[ $NODE_RANK =~ ^[0-9]+$ ]] || [ "$NODE_RANK" -gt $last ]; then
        fail "NODE_RANK=$NODE_RANK: with NNODES=$NNODES the machines are 0 to $last"
    fi
    meeting=(--nnodes "$NNODES" --node-rank "$NODE_RANK")
    meeting+=(--master-addr "$MASTER_ADDR" --master-port "${MASTER_PORT:-29500}")
fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec "$PYTHON" -m torch.distributed.run "${meeting[@]}" --nproc-per-node "$gpus" \
    "$(dirname "$0")/../tools/train.py" "$config" --launcher pytorch "$@"
