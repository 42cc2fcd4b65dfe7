"""The gate of the versioned API: whose views are those of the features (`causeway.kv.views`, ...)."""
