"""Sheets and grids of pictures for people to look at."""
