"""The contract of all topics as one AsyncAPI 3 document, made from the topic table and the models.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
https://github.com/asyncapi/bindings/blob/master/kafka/README.md
"""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from bus.contact_event import CONTACT_DATA_MODELS, ContactEvent
from bus.message import CHANNELS
from bus.model import Wire
from bus.ticket_event import TicketEvent
from bus.ticket_event_data import DATA_MODELS
from bus.topics import MAX_RECORD_BYTES, SHARED, Topic, topics

VERSION = "1.0.0"
"""Of the contract: raised by what is added; what would break it is a new `kind` instead."""

_DATA_OF: Mapping[type[Wire], Mapping[Any, type[Wire]]] = {TicketEvent: DATA_MODELS, ContactEvent: CONTACT_DATA_MODELS}
_BINDING = "0.5.0"
_FAMILY = "<channel>"
_NUMBERS = ("retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes")


def families() -> tuple[Topic, ...]:
    """The topic table with one row for `raw.<channel>`, `messages.<channel>` and `replies.<channel>` each."""
    return (*SHARED, *(topic for topic in topics([_FAMILY]) if topic not in SHARED))


def asyncapi() -> dict[str, Any]:
    """The document: channels with keys, partitions, retention and headers; messages with their schemas."""
    table = families()
    models = sorted({model for topic in table for model in topic.models}, key=lambda model: model.__name__)
    every: list[type[Wire]] = [*models, *DATA_MODELS.values(), *CONTACT_DATA_MODELS.values()]
    _, schemas = models_json_schema(
        [(model, "validation") for model in every], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Deskstream",
            "version": VERSION,
            "description": "Customer messages, the tickets they become, and their figures, as Kafka topics. "
            "`tickets.*`, `contacts.events` and `replies.*` are written in transactions: read them with "
            "`isolation.level=read_committed`. Fields and event types may be added; ignore what you do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_id(topic.name): _channel(topic) for topic in table},
        "operations": {
            f"publish.{_id(topic.name)}": {"action": "send", "channel": {"$ref": f"#/channels/{_id(topic.name)}"}}
            for topic in table
        },
        "components": {
            "messages": {model.__name__: _message(model, table) for model in models},
            "messageTraits": {"cloudEvent": _cloud_event()},
            "schemas": schemas["$defs"],
        },
    }


def _id(name: str) -> str:
    return name.replace(_FAMILY, "channel")


def _channel(topic: Topic) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": topic.name.replace(_FAMILY, "{channel}"),
        "description": f"Key: {topic.key}. Kept: {_kept(topic.config)}. "
        f"{'Carries' if topic.personal else 'Does not carry'} people's text.",
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in topic.models},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": _configuration(topic.config),
                "bindingVersion": _BINDING,
            }
        },
    }
    if _FAMILY in topic.name:
        channel["parameters"] = {"channel": {"enum": list(CHANNELS), "description": "The customer's way in."}}
    return channel


def _configuration(config: dict[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"cleanup.policy": config["cleanup.policy"].split(",")}
    shown |= {name: int(config[name]) for name in _NUMBERS if name in config}
    return shown | {"max.message.bytes": MAX_RECORD_BYTES}


def _kept(config: dict[str, str]) -> str:
    days = int(config.get("retention.ms", "0")) // (24 * 3600 * 1000)
    policy = config["cleanup.policy"]
    if policy == "compact":
        return "the last record of each key; a null value deletes it"
    if int(config["retention.ms"]) < 0:
        return "for ever"
    return f"{days} days" if policy == "delete" else f"the last record of each key, for {days} days"


def _message(model: type[Wire], table: tuple[Topic, ...]) -> dict[str, Any]:
    keys = sorted({topic.key for topic in table if model in topic.models})
    payload: dict[str, Any] = {"$ref": f"#/components/schemas/{model.__name__}"}
    if model in _DATA_OF:
        payload = {"allOf": [payload, *(_data_of(kind, data) for kind, data in _DATA_OF[model].items())]}
    return {
        "name": model.model_fields["kind"].default,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": "; ".join(keys)}, "bindingVersion": _BINDING}},
    }


def _data_of(kind: str, data: type[Wire]) -> dict[str, Any]:
    return {
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": {"properties": {"data": {"$ref": f"#/components/schemas/{data.__name__}"}}},
    }


def _cloud_event() -> dict[str, Any]:
    """Headers in CloudEvents' binary mode; they repeat what the value says and add nothing but the trace."""
    text = {"type": "string"}
    return {
        "headers": {
            "type": "object",
            "properties": {
                "ce_specversion": {"const": "1.0"},
                "ce_id": text,
                "ce_type": text,
                "ce_source": text | {"format": "uri-reference"},
                "ce_time": text | {"format": "date-time"},
                "content-type": {"const": "application/json"},
                "traceparent": text | {"pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
            },
            "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"],
        }
    }
