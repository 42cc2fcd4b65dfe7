"""Causeway: the server of Rein. It keeps signed documents for strangers, and is trusted with nothing."""
