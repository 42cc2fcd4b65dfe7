"""`causeway.wsgi:app`, for any other WSGI server: configured by environment variables, on an existing database."""

from __future__ import annotations

import os

from causeway.app import create_app
from causeway.ops.logs import configure_logs
from causeway.settings import load_settings

settings = load_settings(os.environ)
configure_logs(settings.log_format, requests=settings.log_requests)
app = create_app(settings)
