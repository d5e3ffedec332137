"""What every run stands on: the run folder, progress, devices and processes, provenance."""
