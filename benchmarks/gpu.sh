#!/usr/bin/env bash
# Training steps on a GPU beside PyTorch, then four minutes of training, within nine minutes; see
# docs/performance.md.
#
#   benchmarks/gpu.sh --prepare [--dataset=photos] [--python=3.12]   # where there is a network: fills .gpu
#   benchmarks/gpu.sh                # on the machine with the card: Python, JAX and PyTorch, no network
#   benchmarks/gpu.sh --rehearse     # tiny, on a CPU
#
# PYTHON names another Python than python3. Results go to $OUT, or to benchmarks/gpu-results.
set -euo pipefail
began=$(date +%s)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
export PYTHONPATH=$PWD:$PWD/benchmarks${PYTHONPATH:+:$PYTHONPATH}
if [[ "${1:-}" == --prepare ]]; then
	shift
	exec "$python" -m gpu.fill_folder "$@"
fi
export PYTHONUNBUFFERED=1
# It ends by itself after 525 seconds; this is for the case that it hangs.
exec timeout --kill-after=10 $((538 - ($(date +%s) - began))) "$python" -m gpu --began="$began" "$@"
