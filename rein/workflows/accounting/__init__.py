"""What a person can do: ledger, invoices and receipts."""
