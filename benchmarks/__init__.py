"""Large captures made by `make_captures`, and `run`, which times sniff beside its peers on them."""
