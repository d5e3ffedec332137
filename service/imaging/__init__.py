"""Pixels: photographs in, textures painted, pictures and animations out."""
