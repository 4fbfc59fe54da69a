"""The log of the service: JSON lines of an event name and keys. No payload, key, address or person is passed in."""

import logging
from typing import Any, BinaryIO, Protocol

import msgspec
import structlog


class Logger(Protocol):
    """Says what happened, once, after it is true."""

    def info(self, event: str, **fields: Any) -> Any: ...

    def error(self, event: str, **fields: Any) -> Any: ...


class Silent:
    """A logger that says nothing: for tests, and for whoever embeds the service."""

    def info(self, event: str, **fields: Any) -> None:
        """Say nothing."""

    def error(self, event: str, **fields: Any) -> None:
        """Say nothing."""


def json_logger(file: BinaryIO) -> Logger:
    """Return a logger that writes JSON lines to `file`."""
    logger: Logger = structlog.wrap_logger(
        structlog.BytesLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    ).bind()  # once: otherwise each line makes a logger of its own
    return logger


def _encode(fields: dict[str, Any], **_: Any) -> bytes:
    return msgspec.json.encode(fields)


class ServerLog(logging.Handler):
    """Passes on what the HTTP server says, without the traceback: its last line may hold what was sent."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's message, or for an exception only its type."""
        failed = record.levelno >= logging.WARNING
        kind = record.exc_info[0] if record.exc_info else None
        say = self._logger.error if failed else self._logger.info
        if kind is None:
            say("server", message=record.getMessage())
        else:
            say("server", error=kind.__name__)
