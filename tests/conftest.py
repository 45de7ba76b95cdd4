"""Settings shared by all tests."""

import torch

# Small tensors on a busy machine: one thread is many times faster than several that wait for each other.
torch.set_num_threads(1)
