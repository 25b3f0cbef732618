"""Fields of the data of DNS records, made of dns_layouts.py; those of stateful operations, too."""

from sniff.filters.field import MESSAGE, Field, Source
from sniff.filters.fields.dns_data import of_records, of_stateful_messages
from sniff.filters.fields.dns_layouts import DSO, LAYOUTS, MEANINGS, TWISTED, UNKNOWN
from sniff.filters.fields.dns_reader import Item, items
from sniff.filters.types import Type


def _data_fields() -> list[Field]:
    """The fields of the data of records, and those of stateful operations."""
    found: dict[str, tuple[Item, set[int]]] = {}
    for kind, text in (*LAYOUTS.items(), *TWISTED.items()):
        for item in items(text):
            found.setdefault(item.name, (item, set()))[1].add(kind)
    fields = []
    for name, (item, kinds) in found.items():
        if name != "resp.type":
            fields.append(_data_field(item, of_records(name, item.type, tuple(sorted(kinds))), f"of {_owner(name)} records: "))
    fields += [_data_field(item, of_records(item.name, item.type, ()), "") for item in items(UNKNOWN)]
    fields += [_data_field(item, of_stateful_messages(item.name, item.type), "of stateful operations: ") for item in items(DSO)]
    return fields


def _owner(name: str) -> str:
    first = name.split(".")[0]
    return {"idsn": "ISDN", "svcb": "SVCB and HTTPS", "winsr": "WINS-R", "rr": "OPT", "depr": "OPT"}.get(first, first.upper())


def _data_field(item: Item, source: Source, prefix: str) -> Field:
    meaning = MEANINGS.get(item.name) or prefix + item.name.split(".")[-1].replace("_", " ")
    return Field(f"dns.{item.name}", item.type, meaning, source, MESSAGE, bits=item.bits if item.type == Type.NUMBER else 64,
                 trackers=("dns",))


DNS_DATA_FIELDS = [
    Field("dns.key_id_buffer_too_short", Type.NONE, "a key that has not even flags",
          of_records("key_id_buffer_too_short", Type.NONE, (25, 48, 60)), MESSAGE, trackers=("dns",)),
    *_data_fields(),
]
