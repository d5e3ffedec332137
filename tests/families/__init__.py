"""Procedural families of other categories than vehicles, to try a training on.

They are no part of the product.

    python -m tests.families mugs photographs/mugs --count 20000 --meshes held_out/mugs

Photographs are RGBA, one of each object, before varied scenes, which stay under the alpha. Objects
with ground truth are others than the photographed ones, for `train.evaluate objects`.
"""
