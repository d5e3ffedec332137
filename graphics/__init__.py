"""What both sides stand on: cameras, meshes and the renderer, in NumPy and numba."""
