"""One graph on one device: session, IO binding, adaptive batcher, and the runner of the three."""
