"""The objectives, named after the paper's equations."""
