"""Stable Diffusion XL: loading, prompts, latents, one noise prediction, the DDIM schedule."""
