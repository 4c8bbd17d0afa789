"""The background process that does runs, and the client that starts it."""

from .environment import clean_environment
from .job import Job
from .messages import LineReader, Message, parse
from .run import Run
from .state import Phase, Preview, RunState, StandardError
from .worker import Worker
