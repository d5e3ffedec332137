"""Why a batch stops; photographs never make it stop."""


class BatchError(Exception):
    """The batch cannot go on; the message says what was got, what is allowed, what to do."""
