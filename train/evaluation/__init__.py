"""The benchmarks of `train.evaluate`: metrics, baselines, an oracle, and reports."""
