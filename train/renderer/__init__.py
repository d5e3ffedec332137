"""DIB-R, the differentiable renderer, and what stands around it."""
