"""Display filters in Wireshark's language: text in, one truth value a packet out, batch by batch.

lexer.py and parser.py read the text, check.py gives its words a meaning, predicates.py and values.py evaluate it on columns.
fields.py is the table of fields; each says in its *_fields.py where its values come from. Nothing here knows how a packet is shown.
"""
