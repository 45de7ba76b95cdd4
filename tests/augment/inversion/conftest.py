"""The plain algorithm and the counting of the benchmarks, for tests too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / 'benchmarks'))
