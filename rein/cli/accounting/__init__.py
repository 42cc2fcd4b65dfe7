"""Commands: ledger, invoices and receipts."""
