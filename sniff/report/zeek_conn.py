"""Rows of Zeek's conn.log: TCP and UDP flows, ICMP conversations, and the UDP flows that tunnels travel in.

Source: https://docs.zeek.org/en/current/logs/conn.html and .../scripts/base/protocols/conn/main.zeek.html
"""

from collections.abc import Iterator
from typing import Any

from sniff.reassembly import columns as s
from sniff.report.conversations import Conversation, Conversations
from sniff.report.flow import Flow, flows_of
from sniff.report.formats import Options, Step
from sniff.report.services import Services
from sniff.report.uid import connection_uid

_SERVICES = {"http": "http", "dns": "dns", "tls": "ssl", "ssh": "ssh"}
_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}


def conn_row(flow: Flow, service: str | None = None) -> dict[str, Any]:
    """A row of conn.log; what is unset has no key."""
    order = (1, 0) if flow.backwards else (0, 1)
    ends, packets, wire = flow.ends, flow.pair(s.F_PACKETS), flow.pair(s.F_WIRE_BYTES)
    if flow.protocol == 6:
        state = s.conn_state(ends[order[0]], ends[order[1]], not any(flow.stream_bytes))
    else:
        state = s.ConnState.SF if all(packets) else s.ConnState.S0 if packets[order[0]] else s.ConnState.SHR
    row: dict[str, Any] = {"ts": flow.first_ns / 1e9, "uid": connection_uid(flow.protocol, flow.stream, flow.first_ns)}
    for side, k in zip(("orig", "resp"), order, strict=True):
        row[f"id.{side}_h"], row[f"id.{side}_p"] = flow.addresses[k], flow.ports[k]
    row["proto"] = _NAMES[flow.protocol]
    if service:
        row["service"] = service
    if flow.duration_ns > 0:
        row["duration"] = flow.duration_ns / 1e9
        for side, k in zip(("orig", "resp"), order, strict=True):
            row[f"{side}_bytes"] = flow.stream_bytes[k]
    row["conn_state"] = state.name
    row["missed_bytes"] = sum(flow.pair(s.F_MISSING))
    history = flow.history
    row["history"] = "^" + history.swapcase() if flow.backwards else history
    for side, k in zip(("orig", "resp"), order, strict=True):
        row[f"{side}_pkts"], row[f"{side}_ip_bytes"] = packets[k], wire[k]
    if flow.row[s.F_VLAN] >= 0:
        row["vlan"] = flow.row[s.F_VLAN]
    row["ip_proto"] = flow.protocol
    return row


def conversation_row(one: Conversation) -> dict[str, Any]:
    """The same of a conversation that is no flow of its own."""
    packets = one.packets
    state = "OTH"
    if one.protocol == 17:
        state = "SF" if all(packets) else "S0" if packets[0] else "SHR"
    row: dict[str, Any] = {
        "ts": one.first_ns / 1e9, "uid": connection_uid(one.protocol, one.number, one.first_ns),
        "id.orig_h": one.addresses[0], "id.orig_p": one.ports[0], "id.resp_h": one.addresses[1], "id.resp_p": one.ports[1],
        "proto": _NAMES[one.protocol]}
    if one.last_ns > one.first_ns:
        row |= {"duration": (one.last_ns - one.first_ns) / 1e9, "orig_bytes": one.payload[0], "resp_bytes": one.payload[1]}
    return row | {
        "conn_state": state, "missed_bytes": 0, "orig_pkts": packets[0], "orig_ip_bytes": one.wire[0],
        "resp_pkts": packets[1], "resp_ip_bytes": one.wire[1], "ip_proto": one.protocol}


class ConnLogs:
    """Makes conn.log."""

    def __init__(self, options: Options) -> None:
        self._conversations = Conversations()
        self._services = Services()

    def add(self, step: Step) -> Iterator[tuple[str, dict[str, Any]]]:
        """The connections that ended in one step."""
        streams = step.apps.streams
        self._services.add(step)
        for one in self._conversations.add(streams.packets):
            yield "conn", conversation_row(one)
        for flow in flows_of(streams.connections):
            if not self._conversations.absorb(flow):
                yield "conn", conn_row(flow, _SERVICES.get(self._services.take(flow) or ""))
        self._services.forget(streams.ended[s.F_STREAM, streams.ended[s.F_PROTO] == 6].tolist())

    def finish(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """ICMP and the outsides of tunnels."""
        for one in self._conversations:
            yield "conn", conversation_row(one)
