"""The commands of `causeway`, one module a subject."""
