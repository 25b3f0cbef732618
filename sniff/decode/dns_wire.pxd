from sniff.decode.dns_names cimport lacks, read_name, show, show_ipv6
from sniff.decode.dns_rdata cimport rest
from sniff.decode.nbns_wire cimport nbns_row
