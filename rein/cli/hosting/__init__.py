"""Commands: buckets at servers: asking for them, buying more."""
