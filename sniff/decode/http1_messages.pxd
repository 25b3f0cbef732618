from sniff.decode.http1_head cimport head_end, is_space, is_token_byte, line_end, lower, method_number, parse_fields, start_line, is_http, text_end
