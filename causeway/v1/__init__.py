"""The versioned API, for today's client: requests signed in their headers, many values in one, a feed, a search."""
