"""The background process that does a run, and the client that starts it."""

from .client import WorkerProcess
from .job import Job
from .messages import LineReader, Message, parse

__all__ = ["Job", "LineReader", "Message", "WorkerProcess", "parse"]
