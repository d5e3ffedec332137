"""Serves a bundle: numpy, Pillow, ONNX Runtime, BentoML and `graphics`; never torch."""

from graphics import usage_data

usage_data.switch_off()
