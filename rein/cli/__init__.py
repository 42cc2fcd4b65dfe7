"""The command tree: one file a command. Each parses, calls one workflow and shows the result."""
