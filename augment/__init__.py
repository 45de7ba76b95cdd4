"""Multiply photographs of defects: SDXL inversion, residual linear interpolation and prompt-to-prompt editing."""
