"""Adapting a bundle to photographs of one's own."""
