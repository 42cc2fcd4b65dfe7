"""The gate of the versioned API. Its views are those of the features (`causeway.kv.views`, ...)."""
