"""How a command or one of its settings is refused."""


class CommandError(Exception):
    """Ends a command with `status`; the message says what was got, what is allowed, what to do."""

    status = 2


class ConfigError(CommandError):
    """A setting is unknown or impossible; the message names it and what is allowed."""


def require(condition: bool, message: str) -> None:
    """Raise `ConfigError` with the message unless the condition holds."""
    if not condition:
        raise ConfigError(message)
