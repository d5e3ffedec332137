"""Batches too large to wait for: kept in a folder, worked off beside the requests."""
