"""Conversations with causeway servers, none of which is trusted."""
