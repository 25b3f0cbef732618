from sniff.decode.http1_head cimport head_end, is_space, known_start, line_end, lower, parse_fields, read_head, text_end
