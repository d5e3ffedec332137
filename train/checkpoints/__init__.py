"""Reads the files of other StyleGAN2 implementations, without running anything in them."""
