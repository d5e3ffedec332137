"""What one step of each training does, and the state that the next one needs."""
