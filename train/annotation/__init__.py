"""Which viewpoint each view code shows: the table, its page for a person, suggestions."""
