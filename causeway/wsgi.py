"""For any other WSGI server: `causeway.wsgi:app`, set up by environment variables on a database that exists."""

from __future__ import annotations

import os

from causeway.app import create_app
from causeway.ops.logs import configure_logs
from causeway.settings import load_settings

configure_logs()
app = create_app(load_settings(os.environ))
