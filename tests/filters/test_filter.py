"""Filters as a whole: beside Wireshark on every capture, whatever the batches, and by the laws of logic."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.errors import FilterError
from sniff.filters.fields.table import all_fields
from sniff.filters.filter import Filter
from tests.filters.expressions import DIFFERENT, EXPRESSIONS
from tests.filters.masks import found_by, numbers

CAPTURES = Path(__file__).parents[2] / "captures"
NEVERSSL = CAPTURES / "neverssl.pcap"
PIECES = ["python-expect.pcap", "nginx-keepalive.pcap", "dnsmasq-tcp.pcap",
          "nginx-lossy.pcap", "dig-unreachable.pcap", "dnsmasq-fragments.pcap",
          "nginx-parallel.pcapng"]


# --- beside Wireshark -----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def sharkd() -> str:
    """Wireshark's engine as a service: it reads a capture once and answers many filters. It comes with tshark."""
    path = shutil.which("sharkd")
    if path is None:
        pytest.skip("sharkd is not installed: scripts/install_tools.sh test")
    return path


def wireshark_finds(sharkd: str, capture: Path, expressions: list[str]) -> dict[str, list[int]]:
    """{filter: numbers of the packets that match it}."""
    asked = [{"jsonrpc": "2.0", "id": 1, "method": "load", "params": {"file": str(capture)}}]
    asked += [{"jsonrpc": "2.0", "id": number, "method": "frames", "params": {"filter": expression}}
              for number, expression in enumerate(expressions, 2)]
    run = subprocess.run([sharkd, "-"], input="\n".join(map(json.dumps, asked)) + "\n", capture_output=True, text=True,
                         errors="replace", check=True)
    answers = {answer.get("id"): answer for answer in map(json.loads, run.stdout.splitlines())}
    return {expression: [frame["num"] for frame in answers[number]["result"]] for number, expression in enumerate(expressions, 2)}


@pytest.mark.tshark
def test_filters_find_what_wireshark_finds(sharkd: str, capture: Path) -> None:
    want, got = wireshark_finds(sharkd, capture, EXPRESSIONS), found_by(capture, EXPRESSIONS)
    wrong = {text: (got[text], want[text]) for text in EXPRESSIONS if got[text] != want[text]}
    assert {text: both for text, both in wrong.items() if (capture.stem, text) not in DIFFERENT} == {}


def test_every_difference_is_still_one(sharkd: str) -> None:
    """What is excused above does differ: no excuse outlives its reason."""
    for stem in {stem for stem, _ in DIFFERENT}:
        [capture] = CAPTURES.glob(f"{stem}.pcap*")
        mine = [text for name, text in DIFFERENT if name == stem]
        want, got = wireshark_finds(sharkd, capture, mine), found_by(capture, mine)
        assert [text for text in mine if want[text] == got[text]] == []


@pytest.mark.tshark
@pytest.mark.parametrize("expression", ["http.response.code >= 400", "tcp.flags.syn == 1 and ip.addr == 192.0.2.0/24",
                                        "dns.qry.name contains \"lab\" or http.host", "tcp.len in {1..100}",
                                        "tcp.completeness == 31", "tcp.completeness & 8", "tcp.analysis.initial_rtt > 0.00003"])
def test_one_pass_of_tshark_says_the_same(tshark: str, expression: str) -> None:
    for name in ("nginx-errors.pcap", "dnsmasq-dig.pcap"):
        run = subprocess.run([tshark, "-n", "-r", CAPTURES / name, "-Y", expression, "-T", "fields", "-e", "frame.number"],
                             capture_output=True, text=True, check=True)
        assert numbers(CAPTURES / name, expression) == list(map(int, run.stdout.split()))


# --- laws -------------------------------------------------------------------------------------------------------------------

OWN = ["sniff.duration > 0", "sniff.wait > 0.0001", "sniff.state == \"complete\"", "sniff.url contains \"http\"",
       "sniff.direction == 1",
       "sniff.retransmissions > 0", "http.header.accept", "http.header.User_Agent contains \"curl\""]


@pytest.mark.parametrize("name", PIECES)
def test_batches_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found_by(CAPTURES / name, [*EXPRESSIONS, *OWN])
    for size in (3, 40):
        monkeypatch.setattr(limits, "BATCH_PACKETS", size)
        assert found_by(CAPTURES / name, [*EXPRESSIONS, *OWN]) == whole


@given(st.randoms(use_true_random=False))
@settings(max_examples=8)
def test_logic(rnd: random.Random) -> None:
    capture = CAPTURES / rnd.choice(PIECES)
    tests = rnd.sample(EXPRESSIONS, 6)
    alone = {text: set(found) for text, found in found_by(capture, [*tests, ""]).items()}
    everything = alone[""]
    for a, b, c in zip(tests, tests[1:], tests[2:], strict=False):
        joined = {f"not ({a})": everything - alone[a], f"({a}) and ({b})": alone[a] & alone[b],
                  f"({a}) || ({b})": alone[a] | alone[b],
                  f"({a}) xor ({b})": alone[a] ^ alone[b],
                  f"!(({a}) && ({b})) or ({c})": (everything - (alone[a] & alone[b])) | alone[c],
                  f"({a}) and ({b}) and not ({c})": alone[a] & alone[b] - alone[c], f"not not ({a})": alone[a]}
        assert {text: set(found) for text, found in found_by(capture, list(joined)).items()} == joined


def test_every_field_can_be_asked_of_every_capture() -> None:
    """Existence, and a comparison with itself: each field makes values that its type allows."""
    texts = []
    for name, field in all_fields().items():
        texts.append(name)
        if field.type.value not in ("label", "protocol"):
            texts.append(f"{name} == {name}")
    for capture in sorted(CAPTURES.glob("*.pcap*"))[::5]:
        found = found_by(capture, texts)
        assert [text for text in texts if " == " in text and found[text] != found[text.partition(" ")[0]]] == []


# --- hostile ----------------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["tcp", "ip.addr", "http.host", "frame.time", "dns.a", "==", "!=", "<", "in", "{", "}", "(",
                         ")", "[", "]", ":", "0:4",
                         "not", "and", "or", "contains", "matches", '"a"', "'a'", "r\"\\d\"", "1", "-1", "0x",
                         "1.2.3.4/8", "fe80::/10", "aa:bb",
                         "..", ",", "any", "all", "&", "+", "%", "#", "#1", "len", "count", "2024-01-01", "\"", "'",
                         "\\", "^", "http.header.x"])


@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS, max_size=12).map("".join)))
@settings(max_examples=300)
def test_any_text_is_a_filter_or_one_mistake(text: str) -> None:
    try:
        found = Filter(text)
    except FilterError as error:
        assert 0 <= error.position <= len(error.expression)
        assert error.length >= 1
        assert str(error) and "\n" not in str(error)
        assert len(error.pointer.split("\n")) == 2
    else:
        assert numbers(NEVERSSL, text) == sorted(numbers(NEVERSSL, found.text))


@pytest.mark.parametrize("text", ["(" * 100_000, "not " * 100_000, "tcp and " * 20_000, "[" * 50_000,
                                  "len(" * 20_000, "1 + " * 20_000,
                                  "{" * 10_000, '"' + "a" * 100_000, "tcp" + "[0]" * 10_000, "-" * 10_000,
                                  "tcp.port in {" + "1," * 20_000])
def test_monsters_are_refused_soon(text: str) -> None:
    with pytest.raises(FilterError):
        Filter(text)


def test_many_tests_in_a_row_are_no_nesting() -> None:
    text = " or ".join(f"tcp.port == {port} and not tcp.len == {port}" for port in range(1, 1001))
    assert numbers(NEVERSSL, text) == numbers(NEVERSSL, "tcp.port <= 1000")
