"""Columns in, text out: rows, tables, pages and logs. Nothing here knows where packets come from."""
