"""How a setting is refused."""


class ConfigError(ValueError):
    """A setting is unknown or impossible; the message names it and what is allowed."""


def require(condition: bool, message: str) -> None:
    """Refuse a setting."""
    if not condition:
        raise ConfigError(message)
