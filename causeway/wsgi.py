"""For any other WSGI server: `causeway.wsgi:app`, set up by environment variables on a database that exists."""

from __future__ import annotations

import os

from causeway.app import create_app
from causeway.ops.logs import configure_logs
from causeway.settings import load_settings

settings = load_settings(os.environ)
configure_logs(settings.log_format, requests=settings.log_requests)
app = create_app(settings)
