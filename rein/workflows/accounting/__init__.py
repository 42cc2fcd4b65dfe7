"""What a person can do: the books: ledger, invoices and receipts."""
