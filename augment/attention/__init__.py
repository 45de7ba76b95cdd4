"""Attention of the UNet: prompt-to-prompt control, residual linear interpolation, word maps."""
