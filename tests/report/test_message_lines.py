"""JSON lines do not depend on how the capture was cut into batches: what is said live is what is said of the file."""

from pathlib import Path

import pytest

from sniff import limits
from sniff.cli.view import view_of

CAPTURES = Path(__file__).parents[2] / "captures"


class Sink:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data) -> None:
        self.data += bytes(data)


def lines(path: Path) -> bytes:
    """What --format jsonl says of a capture."""
    sink, view = Sink(), view_of("jsonl", None, False, None)
    analysis = view.analysis([path])
    with analysis.source:
        view.show(analysis, sink, view.summary(analysis, one=True))
    return sink.data


@pytest.mark.parametrize("name", ["browse.pcapng", "nginx-fastcgi.pcapng", "nginx-uwsgi.pcapng", "nginx-errors.pcap",
                                  "python-broken.pcap", "python-http-server.pcap", "nginx-lossy-sender.pcap",
                                  "dnsmasq-tcp.pcap", "nginx-pipelining.pcap"])
@pytest.mark.parametrize("packets", [1, 7])
def test_lines_stand_in_the_order_of_the_packets_that_completed_them(monkeypatch, name, packets):
    whole = lines(CAPTURES / name)
    assert whole.count(b"\n") > 1
    monkeypatch.setattr(limits, "BATCH_PACKETS", packets)
    assert lines(CAPTURES / name) == whole
