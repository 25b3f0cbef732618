"""The HTML report: one file that opens anywhere. Figures over everything, the telling part of the tables, nothing unmasked.

What comes in are batches and exchanges; what goes out is text. `figures` counts, `selection` chooses, `masking` hides,
`details` writes what is known of one exchange, `page` puts it all into one file. The two passes over the capture are made
by sniff/reports.py.
"""
