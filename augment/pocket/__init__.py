"""A pocket-sized stable diffusion XL, trained from scratch on captioned windows of a few kinds of damage.

The classes are those of the real model, the weights fit into an e-mail, and an edit takes seconds on a CPU. It
draws what it was shown and nothing else. ``augment/train_pocket.py`` makes one.
"""
