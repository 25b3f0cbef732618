"""Display filters in Wireshark's language: text in, one truth value a packet out, batch by batch.

lexer.py and parser.py read the text, check.py gives its words a meaning, predicates.py and values.py evaluate it on columns.
fields/ has what they can ask about. Nothing here knows how a packet is shown.
"""
