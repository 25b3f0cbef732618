"""The display-filter language: Wireshark's syntax, evaluated on columns."""
