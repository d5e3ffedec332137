"""What the evaluation measures: pure functions."""
