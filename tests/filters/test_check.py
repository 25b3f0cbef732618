"""What words mean: literals of every type, types that do not go together, names that do not exist."""

import pytest

from sniff.errors import FilterError, UsageError
from sniff.filters.filter import Filter


@pytest.mark.parametrize("text", [
    "tcp.port == 80", "tcp.port == 0x50", "tcp.port == 0120", "tcp.port == 0b1010000", "tcp.port == 'P'",
    "80 == tcp.port", "65535 >= tcp.port",
    "ip.proto == TCP", "ip.proto == \"UDP\"", "dns.qry.type == \"AAAA\"", "dns.flags.rcode == \"No such name\"",
    "tcp.flags.syn == true", "tcp.flags.syn == False", "tcp.flags.syn == \"Set\"", "tcp.flags.syn == 1",
    "ip.addr == 10.0.0.1", "ip.addr == 10.0.0.0/8", "ip.addr in {10.0.0.1 .. 10.0.0.9, 192.0.2.0/24}",
    "ipv6.addr == ::1", "ipv6.addr == fe80::/10",
    "eth.addr == aa:bb:cc:dd:ee:ff", "eth.addr == AA-BB-CC-DD-EE-FF", "eth.addr == aabb.ccdd.eeff", "eth.addr contains bb:cc",
    "tcp.payload == 0d:0a", "tcp.payload contains 0d0a", "tcp.payload[0] == 0x16", "tcp.payload contains \"GET\"",
    "frame contains ff",
    "frame.time > \"2024-03-01 12:30:00\"", "frame.time > \"2024-03-01T12:30:00.5Z\"", "frame.time < \"Mar  1, 2024 12:30:00\"",
    "frame.time_relative > 0.25", "frame.time_relative > .5", "frame.time_delta >= 1", "tcp.time_relative - 0.1 > 0",
    "http.host == example.com", "http.host == \"example.com\"", "http.request.method == GET", "http.host matches r\"^\\w+$\"",
    "ip.src == ip.dst", "tcp.srcport > tcp.dstport", "eth.src[0:3] == eth.dst[0:3]", "ip.src & 255.255.255.0 == 10.0.0.0",
    "count(ip.addr) > 2", "max(tcp.srcport, tcp.dstport) > 1024", "abs(tcp.len) > 1",
    "string(ip.src) matches \"1$\"", "len(frame) > 60",
    "upper(http.host) contains \"A\"", "http.header.x-request-id", "http.header.X_Request_Id == \"1\"",
    "ip.addr#1 == 1.1.1.1", "ip.src#[1-2]",
    "frame.number > -1", "tcp.analysis.flags && !tcp.analysis.keep_alive", "dns.a == 192.0.2.0/24", "dns.aaaa == 2001:db8::/32",
])
def test_filters_that_mean_something(text):
    assert Filter(text).text == text


@pytest.mark.parametrize(("text", "position", "length", "words"), [
    ("tcp and http.respons.code > 1", 8, 17, "did you mean http.response.code"),
    ("tcp.prot == 80", 0, 8, "did you mean tcp.port"),
    ("HTTP.host", 0, 9, "did you mean http.host?"),
    ("quux", 0, 4, "no field 'quux'"),
    ("tcp.port == 70000", 12, 5, "at most 65535"),
    ("tcp.port == \"http\"", 12, 6, "a number is needed"),
    ("tcp.port == http", 12, 4, "protocol, which cannot be compared"),
    ("tcp.port == tcp.srcprt", 12, 10, "did you mean tcp.srcport"),
    ("tcp.port == 1.5", 12, 3, "no number"),
    ("ip.addr == 10.0.0.300", 11, 10, "no IPv4 address"),
    ("ip.addr == 10.0.0.0/33", 11, 11, "from 0 to 32"),
    ("ip.addr == \"10.0.0.1\"", 11, 10, "without quotes"),
    ("ipv6.addr == 10.0.0.1", 13, 8, "no IPv6 address"),
    ("eth.addr == aa:bb", 12, 5, "6 bytes"),
    ("frame.time > yesterday", 13, 9, "date and time"),
    ("frame.time > \"2024-13-01\"", 13, 12, "date and time"),
    ("frame.time_delta > 1s", 19, 2, "number of seconds"),
    ("tcp.payload == 0xabcd", 15, 6, "no bytes"),
    ("tcp.flags.syn == maybe", 17, 5, "neither true nor false"),
    ("tcp.port contains 80", 0, 8, "'contains' looks into"),
    ("tcp.port matches \"8\"", 0, 8, "'matches' looks into"),
    ("http.host matches \"(\"", 18, 3, "regular expression"),
    ("http.host matches \"(?=a)\"", 18, 7, "looking around"),
    ("http.host matches abc", 18, 3, "double quotes"),
    ("tcp.analysis.flags == 1", 0, 18, "only there or not there"),
    ("lower(tcp.port) == \"a\"", 6, 8, "takes a string"),
    ("len(tcp.analysis.flags)", 4, 18, "takes a string"),
    ("lenn(http.host) > 1", 0, 4, "did you mean len()?"),
    ("len(http.host, tcp) > 1", 0, 19, "one value"),
    ("max(tcp.port, ip.src) > 1", 14, 6, "numbers of one kind"),
    ("http.host + 1 == 2", 0, 9, "takes numbers"),
    ("tcp.port in {1..tcp.len}", 13, 1, "ends of a range"),
    ("frame.time[0:1] == 1", 0, 15, "no slice"),
    ("\"a\" == \"a\"", 0, 3, "a field is needed"),
    ("-http.host == 1", 0, 10, "no sign"),
    ("http.response_in", 0, 16, "http.request_in"),
    ("ip.addr + 10.0.0.0/8 == 1.1.1.1", 0, 7, "takes numbers"),
])
def test_mistakes_point_at_their_place(text, position, length, words):
    with pytest.raises(FilterError) as caught:
        Filter(text)
    error = caught.value
    assert words in str(error)
    assert (error.position, error.length) == (position, length)
    below = error.pointer.split("\n")[1]
    assert below == " " * (4 + position) + "^" + "~" * (length - 1)
    assert isinstance(error, UsageError)


def test_long_filters_are_shown_around_the_mistake():
    with pytest.raises(FilterError) as caught:
        Filter("tcp or " * 50 + "quux")
    shown, carets = caught.value.pointer.split("\n")
    assert shown.endswith("quux")
    assert shown[carets.index("^"):] == "quux"
    assert len(shown) < 90
