"""Fields of display filters: what each is called, what it means, and where in packets, rows and messages its values are.

`table.py` finds a field by its name and imports only the module that has it.
"""
