"""What several processes share: a database, files, and leases that say who of them lives."""
