"""Reads the files of other StyleGAN2 implementations, without running anything in them."""

VIEW_LAYERS = 4
"""Codes of an imported generator that hold the viewpoint (Zhang et al. 2021, section 3.1)."""
