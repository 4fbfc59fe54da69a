"""The log of the service: JSON lines of an event name and keys. No payload, key, address or person is passed in."""

import logging
import time
from threading import Thread
from typing import Any, BinaryIO, Protocol, cast

import msgspec
import structlog

LATE_SECONDS = 0.1


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


class Gathered:
    """A file whose lines reach the system together, at most LATE_SECONDS late, and when the process ends in order.

    To write each by itself would make every request wait for its turn with the other threads once more.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.write = file.write
        Thread(target=self._flush, name="log", daemon=True).start()

    def flush(self) -> None:
        """Not yet."""

    def _flush(self) -> None:
        while True:
            time.sleep(LATE_SECONDS)
            try:
                self._file.flush()
            except ValueError:
                return  # it was closed
            except OSError:
                pass  # nobody is left to be told


def json_logger(file: BinaryIO) -> Logger:
    """Return a logger that writes JSON lines to `file`."""
    logger: Logger = structlog.wrap_logger(
        structlog.BytesLogger(cast(BinaryIO, Gathered(file))),
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
        """Log the record's message, or for an exception only its type. A warning is about what a client sent."""
        failed = record.levelno >= logging.ERROR
        kind = record.exc_info[0] if record.exc_info else None
        say = self._logger.error if failed else self._logger.info
        if kind is None:
            say("server", message=record.getMessage())
        else:
            say("server", error=kind.__name__)
