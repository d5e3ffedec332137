"""A page in the browser beside the service: a client of its API, which may run elsewhere."""
