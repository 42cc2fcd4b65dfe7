"""What a person can do: buckets at servers: asking for them, buying more."""
