"""What an operator does with a whole database: count, copy, clean and check it.

It stands above the features and reads their tables, because it treats rows as rows; what has rules goes through the
features' services.
"""
