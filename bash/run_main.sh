#!/usr/bin/env bash
# Train and test many recipes, one process each, compare them in tables and a report, and name the best weights.
#
#   bash bash/run_main.sh                                              # asks for the project and the number of GPUs
#   bash bash/run_main.sh --project P --gpus 0 --sweep configs/sweeps/losses.yaml
#   bash bash/run_main.sh --project P --gpus 2 configs/fast_scnn/*.py --swap datasets=mine --seeds 0 1 2
#   bash bash/run_main.sh --project P --gpus 0 --sweep configs/sweeps/losses.yaml --dry-run
#
# The other options are those of tools/sweep.py. Without --sweep and recipes it trains TEST_CANDI, and when that is
# empty configs/sweeps/results.yaml: twelve models with and without edited images. The same command again does what
# is left. What stands here in capitals may also come from the environment; there TEST_CANDI is words in a string.
set -euo pipefail

given=${TEST_CANDI-}
TEST_CANDI=( # <model dir>/<recipe> in MODEL_CONFIG_PATH, such as fast_scnn/fast_scnn_focal_1xb8-40k_wta_512-512x512
)
MODEL_CONFIG_PATH=${MODEL_CONFIG_PATH:-./configs}
WORK_DIR=${WORK_DIR:-./work_dirs}               # gets <project>/exp/<model dir>/<recipe>/seed<k>/{train,test}
FIND_BEST_DIR=${FIND_BEST_DIR:-$(dirname "$0")} # where find_best.py is
PYTHON=${PYTHON:-python}
[ -z "$given" ] || read -r -d '' -a TEST_CANDI <<<"$given" || true

tool=$(realpath --no-symlinks --relative-to=. "$(dirname "$0")/../tools/sweep.py")

refuse() {
    echo "error: $1" >&2
    exit 2
}

"$PYTHON" -c 'import sys; del sys.path[0]; import mmseg_ext' 2>/dev/null ||
    refuse "$PYTHON does not know mmseg_ext; activate its environment: source .venv/bin/activate"
project='' gpus='' words=() named=no
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) exec "$PYTHON" "$tool" --help ;;
    --project=*) project=${1#*=} ;;
    --gpus=*) gpus=${1#*=} ;;
    --project | --gpus)
        [ $# -gt 1 ] || refuse "$1: nothing stands behind it"
        printf -v "${1#--}" %s "$2"
        shift
        ;;
    *)
        case $1 in --sweep | --sweep=* | *.py) named=yes ;; esac
        words+=("$1")
        ;;
    esac
    shift
done
[ -n "$project" ] || read -rp 'Project name: ' project || true
[ -n "$project" ] || refuse 'no project name; type one, or give --project NAME'
[ -n "$gpus" ] || read -rp 'Number of GPUs (0 for the CPU): ' gpus || true
[[ $gpus =~ ^[0-9]+$ ]] || refuse "\"$gpus\" is no number of GPUs; 0 means the CPU"
what=()
if [ $named = no ] && [ ${#TEST_CANDI[@]} -gt 0 ]; then
    what=("${TEST_CANDI[@]/#/$MODEL_CONFIG_PATH/}")
    what=("${what[@]/%/.py}")
elif [ $named = no ]; then
    what=(--sweep "$MODEL_CONFIG_PATH/sweeps/results.yaml")
fi
words=("${what[@]}" "${words[@]}" --project "$project" --gpus "$gpus" --work-dir "$WORK_DIR")

# In the background, because bash hears signals only while it waits. A terminal tells the sweep of Ctrl-C itself.
(trap - INT && exec "$PYTHON" "$tool" "${words[@]}") &
sweep=$! code=0
trap : INT
trap 'kill -TERM $sweep || true' TERM
wait $sweep || code=$?
while kill -0 $sweep 2>/dev/null; do
    code=0
    wait $sweep || code=$?
done

mapfile -t finished < <(find "$WORK_DIR/$project/exp" -path '*/test/result.json' 2>/dev/null | sort)
if [ $code -le 1 ] && [ ${#finished[@]} -gt 0 ] && [[ " ${words[*]} " != *' --dry-run '* ]]; then
    printf '\nBest weights of every finished run:\n'
    "$PYTHON" "$FIND_BEST_DIR/find_best.py" "${finished[@]%/test/result.json}" 2> >(grep '^error' >&2) || code=1
fi
exit $code
