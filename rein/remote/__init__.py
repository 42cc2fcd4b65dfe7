"""HTTP clients of causeway servers, none of which is trusted."""
