"""What can be said of a training before it begins."""
