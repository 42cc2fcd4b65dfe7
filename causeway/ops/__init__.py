"""Logs, metrics, and the memory that workers share."""
