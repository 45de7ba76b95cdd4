#!/usr/bin/env bash
# Train one recipe on a SLURM cluster:   bash bash/slurm_train.sh PARTITION JOB_NAME CONFIG [options of tools/train.py]
#   GPUS=16 GPUS_PER_NODE=8 CPUS_PER_TASK=5 SRUN_ARGS='--time 1-0' bash bash/slurm_train.sh gpu blades CONFIG
# GPUS (8): in all, a process each; GPUS_PER_NODE (8, or GPUS if that is less); CPUS_PER_TASK (5): cores for each GPU;
# SRUN_ARGS: more options of srun. The nodes share the folder that this is started in. With --resume the same line goes
# on where the last one was cut.
set -euo pipefail
fail() {
    echo "error: $1" >&2
    exit 2
}
if [ $# -lt 3 ]; then
    echo 'usage: bash bash/slurm_train.sh PARTITION JOB_NAME CONFIG [options of tools/train.py]' >&2
    exit 2
fi
partition=$1 name=$2 config=$3
shift 3
GPUS=${GPUS:-8} GPUS_PER_NODE=${GPUS_PER_NODE:-} CPUS_PER_TASK=${CPUS_PER_TASK:-5} PYTHON=${PYTHON:-python}
for number in GPUS GPUS_PER_NODE CPUS_PER_TASK; do
    [[ ${!number:-1} =~ ^[1-9][0-9]*$ ]] || fail "$number=${!number}: a number from 1 on is needed"
done
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
[ $((GPUS % GPUS_PER_NODE)) -eq 0 ] || fail "GPUS=$GPUS is no multiple of GPUS_PER_NODE=$GPUS_PER_NODE"
command -v srun >/dev/null || fail 'srun not found: start this on a machine of a SLURM cluster'

# What every process begins with: not before it runs is it known which nodes SLURM has chosen. Every job has a port of
# its own, so that two can share a node.
# shellcheck disable=SC2016
meet='
export MASTER_ADDR=${MASTER_ADDR:-$(scontrol show hostnames "${SLURM_STEP_NODELIST:-$SLURM_JOB_NODELIST}" | head -n 1)}
export MASTER_PORT=${MASTER_PORT:-$((20000 + (SLURM_JOB_ID + ${SLURM_STEP_ID:-0}) % 20000))}
exec "$@"'
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
# shellcheck disable=SC2086  # SRUN_ARGS are words
exec srun --partition "$partition" --job-name "$name" --gres "gpu:$GPUS_PER_NODE" --ntasks "$GPUS" \
    --ntasks-per-node "$GPUS_PER_NODE" --cpus-per-task "$CPUS_PER_TASK" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    bash -c "$meet" slurm_train "$PYTHON" "$(dirname "$0")/../tools/train.py" "$config" --launcher slurm "$@"
