"""Suricata's EVE event `flow`, made from flows, ICMP conversations and the UDP that tunnels travel in.

Source: https://docs.suricata.io/en/latest/output/eve/eve-json-format.html (event type: flow)
"""

from collections.abc import Iterator
from typing import Any

from sniff.reassembly import columns as s
from sniff.report.conversations import ICMP, UDP, Conversation, Conversations
from sniff.report.eve_http import timestamp
from sniff.report.flow import Flow, flows_of
from sniff.report.formats import Options, Step
from sniff.report.services import Services
from sniff.report.uid import flow_id

_FLAG_NAMES = ("fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr")
_TIMED_OUT = (s.EndReason.IDLE, s.EndReason.EVICTED)


def flow_event(flow: Flow, app_proto: str | None) -> dict[str, Any]:
    """The event of one connection."""
    picked_up = flow.protocol == UDP or flow.row[s.F_MIDSTREAM]
    order = (1, 0) if picked_up and flow.row[s.F_FIRST_DIRECTION] else (0, 1)
    event = _event(flow.protocol, flow.stream, flow.first_ns, flow.last_ns,
                   [flow.addresses[k] for k in order], [flow.ports[k] for k in order])
    if flow.row[s.F_VLAN] >= 0:
        event["vlan"] = [flow.row[s.F_VLAN]]
    if app_proto:
        event["app_proto"] = app_proto
    packets, frames = flow.pair(s.F_PACKETS), flow.pair(s.F_FRAME_BYTES)
    state = "established" if all(packets) else "new"
    if flow.protocol == 6:
        state = tcp_state(flow, order[0])
        state = {"closed": "closed", "syn_sent": "new", "syn_recv": "new", "none": "new"}.get(state, "established")
    event["flow"] = _counts([packets[k] for k in order], [frames[k] for k in order], flow.first_ns, flow.last_ns, state,
                            "timeout" if flow.end_reason in _TIMED_OUT else "shutdown")
    if flow.protocol == 6:
        flags = flow.pair(s.F_TCP_FLAGS)
        both = flags[0] | flags[1]
        event["tcp"] = {
            "tcp_flags": f"{both & 255:02x}", "tcp_flags_ts": f"{flags[order[0]] & 255:02x}",
            "tcp_flags_tc": f"{flags[order[1]] & 255:02x}",
            **{name: True for bit, name in enumerate(_FLAG_NAMES) if both >> bit & 1}, "state": tcp_state(flow, order[0])}
    return event


def tcp_state(flow: Flow, client: int) -> str:
    """How far a connection came, in Suricata's words. It keeps one state, that of the server.

    client  direction of who opened it
    """
    ends, flags = flow.ends, flow.pair(s.F_TCP_FLAGS)
    if s.End.RESET in ends:
        return "closed"
    fins = [flow.row[s.F_FIN + client], flow.row[s.F_FIN + 1 - client]]
    if all(fins):
        acknowledged = [flow.row[s.F_LAST_ACK + k] >= flow.row[s.F_LAST_SEQ + k] for k in (0, 1)]
        if all(acknowledged):
            return "closed"
        return "last_ack" if fins[0] < fins[1] else "closing"
    if fins[0]:
        return "close_wait"
    if fins[1]:
        return "fin_wait1"
    if s.End.ESTABLISHED in ends:
        return "established" if flags[client] & 16 else "syn_recv"
    if s.End.SYN_SENT in ends:
        return "syn_sent"
    return "established" if all(flow.sent) else "none"


def conversation_event(one: Conversation) -> dict[str, Any]:
    """The event of a conversation that is no flow of its own."""
    event = _event(one.protocol, one.number, one.first_ns, one.last_ns, list(one.addresses), list(one.ports))
    if one.protocol != UDP:
        event["icmp_type"] = one.ports[0]
        event["icmp_code"] = one.code
        if one.packets[1]:
            event["response_icmp_type"], event["response_icmp_code"] = one.ports[1], one.code
    event["flow"] = _counts(one.packets, one.frames, one.first_ns, one.last_ns,
                            "established" if all(one.packets) else "new", "shutdown")
    return event


def _event(protocol: int, number: int, first_ns: int, last_ns: int, addresses: list[str], ports: list[int]) -> dict[str, Any]:
    event: dict[str, Any] = {"timestamp": timestamp(last_ns), "flow_id": flow_id(protocol, number, first_ns),
                             "event_type": "flow", "src_ip": addresses[0]}
    if protocol in (6, UDP):
        return event | {"src_port": ports[0], "dest_ip": addresses[1], "dest_port": ports[1],
                        "proto": "TCP" if protocol == 6 else "UDP"}
    return event | {"dest_ip": addresses[1], "proto": "ICMP" if protocol == ICMP else "IPv6-ICMP"}


def _counts(packets: list[int], frames: list[int], first_ns: int, last_ns: int, state: str, reason: str) -> dict[str, Any]:
    return {"pkts_toserver": packets[0], "pkts_toclient": packets[1], "bytes_toserver": frames[0],
            "bytes_toclient": frames[1], "start": timestamp(first_ns), "end": timestamp(last_ns),
            "age": last_ns // 1_000_000_000 - first_ns // 1_000_000_000, "state": state, "reason": reason, "alerted": False}


class FlowEvents:
    """Makes the events `flow`."""

    def __init__(self, options: Options) -> None:
        self._conversations = Conversations()
        self._services = Services()

    def add(self, step: Step) -> Iterator[dict[str, Any]]:
        """The flows that ended in one step."""
        streams = step.apps.streams
        self._services.add(step)
        for one in self._conversations.add(streams.packets):
            yield conversation_event(one)
        for flow in flows_of(streams.connections):
            if not self._conversations.absorb(flow):
                yield flow_event(flow, self._services.take(flow))
        self._services.forget(streams.ended[s.F_STREAM, streams.ended[s.F_PROTO] == 6].tolist())

    def finish(self) -> Iterator[dict[str, Any]]:
        """ICMP and the outsides of tunnels."""
        for one in self._conversations:
            yield conversation_event(one)
