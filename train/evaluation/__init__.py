"""The instruments of `train.evaluate`: what is measured, what it is compared with, and reports."""
