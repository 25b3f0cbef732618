from sniff.decode.http1_head cimport head_end, is_space, is_token_byte, line_end, lower, parse_fields, start_line, starts_http, text_end
