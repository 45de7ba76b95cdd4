"""The mathematics of losses and metrics: pure functions on tensors and arrays, free of configs and registries."""
