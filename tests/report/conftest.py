"""What several tests of the report need."""

import json
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
import referencing

SCHEMAS = Path(__file__).with_name("har-schema")


@pytest.fixture(scope="session")
def validator():
    """The validator of the schema, which also looks at the formats."""
    checker = jsonschema.FormatChecker(["ipv4", "ipv6"])

    @checker.checks("date-time", ValueError)
    def date_time(value):
        return value is None or datetime.fromisoformat(value) is not None

    @checker.checks("uri", ValueError)
    def uri(value):
        return bool(urlsplit(value).scheme and urlsplit(value).netloc and value.isascii() and value.isprintable() and " " not in value)

    registry = referencing.Registry()
    for path in SCHEMAS.glob("*.json"):
        registry = registry.with_resource(path.name, referencing.Resource.from_contents(json.loads(path.read_text())))
    schema = json.loads((SCHEMAS / "har.json").read_text())
    return jsonschema.Draft6Validator(schema, registry=registry, format_checker=checker)
