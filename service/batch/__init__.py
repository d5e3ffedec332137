"""Millions of photographs to meshes, without a server: `python -m service.batch`."""
