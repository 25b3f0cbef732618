"""Records are what dataclasses would be."""

import pytest

from sniff.filters.record import record


@record
class Base:
    at: int


@record
class Thing(Base):
    name: str = "none"


def test_records_have_their_fields_and_those_of_their_base() -> None:
    thing = Thing(1, name="x")
    assert (thing.at, thing.name, Thing(2).name) == (1, "x", "none")
    assert thing == Thing(1, "x") and thing != Thing(1) and Base(1) != Thing(1)
    assert repr(thing) == "Thing(at=1, name='x')"


@pytest.mark.parametrize(("values", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"nome": 2})])
def test_what_is_no_field_is_a_mistake(values: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Thing(*values, **named)
