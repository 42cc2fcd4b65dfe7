"""What an operator does with a whole database: count it, copy it, clean it, look after it.

It stands above the features and reads their tables, because it treats rows as rows; what has rules goes through the
features' services.
"""
