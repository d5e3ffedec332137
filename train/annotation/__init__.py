"""Which viewpoint each view code shows: the table, the page on which a person fills it, suggestions."""
