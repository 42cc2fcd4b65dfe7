"""The end of a bucket: its values move, owners are warned, and values are removed."""
