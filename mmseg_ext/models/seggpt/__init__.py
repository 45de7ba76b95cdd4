"""SegGPT (https://arxiv.org/abs/2304.03284): what the mask of a prompt shows is found in other images."""
