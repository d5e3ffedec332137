"""Serves a bundle: numpy, Pillow, ONNX Runtime, BentoML and `graphics`; never torch."""
