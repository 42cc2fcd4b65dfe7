"""What the database holds, a module a subject: its rows as frozen classes, and the queries on them."""
