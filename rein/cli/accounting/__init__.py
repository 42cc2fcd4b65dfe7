"""Commands: the books: ledger, invoices and receipts."""
