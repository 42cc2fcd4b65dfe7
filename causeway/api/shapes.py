"""Requests and answers as dataclasses: one declaration reads what a stranger sent and describes it in OpenAPI.

    @dataclass(frozen=True, kw_only=True)
    class FeedRequest:
        after: Annotated[int, Integer(0, MAX_SEQ), Doc("Only documents after this number.")] = 0

A field without a default must be there. A rule (`Text`, `Integer`, ...) among the annotations checks; the fields of
an answer need none, as their types describe them.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

from causeway.api.limits import MAX_PARAMETER
from causeway.api.parameters import Parameters
from causeway.errors import BadParameterError, MissingParameterError

T = TypeVar("T")

Schema = dict[str, Any]


@dataclass(frozen=True)
class Doc:
    """A sentence for people."""

    text: str


@dataclass(frozen=True)
class Synonyms:
    """Other names of a parameter: any may be given, and all that are must agree."""

    names: tuple[str, ...]


class Rule(Protocol):
    """What a parameter must be."""

    def read(self, parameters: Parameters, names: Sequence[str]) -> object | None:
        """The value, None if it was left out; BadParameterError for anything else."""
        ...

    def schema(self) -> Schema:
        """The same in JSON Schema."""
        ...


@dataclass(frozen=True)
class Text:
    """Text of some length and shape. `what` says in words what `pattern` demands."""

    longest: int = MAX_PARAMETER
    shortest: int = 0
    pattern: re.Pattern[str] | None = None
    what: str = ""

    def read(self, parameters: Parameters, names: Sequence[str]) -> str | None:
        # A shape says more than a length does, and its error with it.
        longest = self.longest if self.pattern is None else MAX_PARAMETER
        value = parameters.optional_text(*names, longest=longest)
        if value is None:
            return None
        if self.pattern is not None and self.pattern.fullmatch(value) is None:
            raise BadParameterError(f"the {names[0]} is not {self.what}")
        if len(value) < self.shortest:
            raise BadParameterError(f"the {names[0]} is empty")
        return value

    def schema(self) -> Schema:
        found: Schema = {"type": "string", "maxLength": self.longest}
        if self.shortest:
            found["minLength"] = self.shortest
        if self.pattern is not None:
            found["pattern"] = f"^({self.pattern.pattern})$"
        return found


@dataclass(frozen=True)
class Address:
    """A P2PKH address. Where `may_be_empty`, an empty text counts as left out."""

    may_be_empty: bool = False

    def read(self, parameters: Parameters, names: Sequence[str]) -> str | None:
        return parameters.optional_address(*names, may_be_empty=self.may_be_empty)

    def schema(self) -> Schema:
        pattern = "[1mn][1-9A-HJ-NP-Za-km-z]{25,34}"
        return {"type": "string", "pattern": f"^({pattern})?$" if self.may_be_empty else f"^{pattern}$"}


@dataclass(frozen=True)
class Integer:
    """A whole number; a query string has it in decimal digits."""

    lowest: int
    highest: int

    def read(self, parameters: Parameters, names: Sequence[str]) -> int | None:
        return parameters.optional_number(names[0], lowest=self.lowest, highest=self.highest)

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest}


@dataclass(frozen=True)
class Flag:
    """A truth value as legacy clients spell it."""

    def read(self, parameters: Parameters, names: Sequence[str]) -> bool | None:
        return parameters.flag(names[0])

    def schema(self) -> Schema:
        return {"enum": [0, 1, True, False, "0", "1", "True", "False", "true", "false", ""]}


@dataclass(frozen=True)
class Choice:
    """One of the values of an Enum."""

    of: type[Enum]

    def read(self, parameters: Parameters, names: Sequence[str]) -> Enum | None:
        text = parameters.optional_text(names[0])
        if text is None:
            return None
        try:
            return self.of(text)
        except ValueError:
            known = ", ".join(str(each.value) for each in self.of)
            raise BadParameterError(f"invalid {names[0]}: {text[:40]!r}", hint=f"One of: {known}.") from None

    def schema(self) -> Schema:
        return {"type": "string", "enum": [each.value for each in self.of]}


@dataclass(frozen=True)
class Items:
    """A list whose items are read one by one, each with a verdict of its own; read as it was sent."""

    of: Any
    most: int

    def read(self, parameters: Parameters, names: Sequence[str]) -> list[object] | None:
        return parameters.optional_items(names[0], most=self.most)

    def schema(self) -> Schema:
        return {"type": "array", "items": schema_of(self.of), "minItems": 1, "maxItems": self.most}


@dataclass(frozen=True)
class Field:
    """One parameter of a request."""

    attribute: str
    names: tuple[str, ...]
    rule: Rule
    required: bool
    about: str


def fields_of(request: type[Any]) -> tuple[Field, ...]:
    """The parameters of a request class, in their order."""
    if request not in _FIELDS:
        hints = get_type_hints(request, include_extras=True)
        _FIELDS[request] = tuple(_field(each, get_args(hints[each.name])[1:]) for each in dataclasses.fields(request))
    return _FIELDS[request]


_FIELDS: dict[type[Any], tuple[Field, ...]] = {}
"""What was worked out already."""


def _field(field: dataclasses.Field[Any], notes: Sequence[Any]) -> Field:
    named = field.metadata.get("name", field.name)
    return Field(
        attribute=field.name,
        names=(named, *(name for note in notes if isinstance(note, Synonyms) for name in note.names)),
        rule=next(note for note in notes if not isinstance(note, Synonyms | Doc)),
        required=field.default is dataclasses.MISSING,
        about=" ".join(note.text for note in notes if isinstance(note, Doc)),
    )


def read(request: type[T], parameters: Parameters) -> T:
    """Read a request.

    :raises ApiError: MissingParameterError or BadParameterError, naming the parameter.
    """
    values: dict[str, object] = {}
    for field in fields_of(request):
        value = field.rule.read(parameters, field.names)
        if value is not None:
            values[field.attribute] = value
        elif field.required:
            raise MissingParameterError(f"the parameter {field.names[0]!r} is missing")
    return request(**values)


def as_json(value: Any) -> Any:
    """An answer as JSON has it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_json(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    return value.value if isinstance(value, Enum) else value


def schema_of(annotation: Any) -> Schema:
    """The JSON Schema (2020-12) of a type: of a request class by its rules, of an answer class by its types."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _annotated(annotation)
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(each) for each in get_args(annotation)]}
    if origin in (list, tuple, Sequence):
        return {"type": "array", "items": schema_of(get_args(annotation)[0])}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": schema_of(get_args(annotation)[1])}
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _object(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return {"type": "string", "enum": [each.value for each in annotation]}
    return dict(_PLAIN[annotation])


def _annotated(annotation: Any) -> Schema:
    plain, *notes = get_args(annotation)
    rules = [note for note in notes if not isinstance(note, Synonyms | Doc)]
    found = rules[0].schema() if rules else schema_of(plain)
    about = " ".join(note.text for note in notes if isinstance(note, Doc))
    return {**found, "description": about} if about else found


def _object(cls: type[Any]) -> Schema:
    hints = get_type_hints(cls, include_extras=True)
    properties: Schema = {}
    required = []
    for each in dataclasses.fields(cls):
        name = each.metadata.get("name", each.name)
        properties[name] = schema_of(hints[each.name])
        for note in get_args(hints[each.name])[1:]:
            if isinstance(note, Synonyms):
                properties |= dict.fromkeys(note.names, properties[name])
                break
        else:
            if each.default is dataclasses.MISSING:
                required.append(name)
    found: Schema = {"type": "object", "properties": properties}
    return found | ({"required": required} if required else {})


_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    object: {},
    Any: {},
}
