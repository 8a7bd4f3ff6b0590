"""Dead letters of a real Kafka: listed, shown, replayed to where they came from, or put aside with a reason."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from helpdesk.deadletters.counting import unhandled, with_decisions
from helpdesk.deadletters.handled import Decision, Decisions
from helpdesk.deadletters.letter import DeadLetter, Place, place_of
from helpdesk.deadletters.reading import DeadLetterTopics
from helpdesk.deadletters.replaying import record, replay, require_origin
from helpdesk.deadletters.showing import full, line
from helpdesk.embedded.kafka import KafkaCluster
from helpdesk.embedded.ports import free_ports
from helpdesk.embedded.servers import kafka_of
from kit.deadletters import DeadLetters
from kit.errors import PermanentError, RefusedError, TransientError
from kit.inlet import Inlet
from kit.kafka import ensure_topics, make_producer
from kit.log import get_logger
from kit.mongo import Mongo
from kit.settings import ServiceSettings
from schemas.requests import request_events
from schemas.topics import REQUESTS, WRITER, dead_letters
from tests.support.happenings import request
from tests.support.servers import MongoServer, end, run_apart

ROOT = Path(__file__).parents[2]
TICKETS = [f"0195f3a0-0000-7000-8000-00000000000{number}" for number in range(4)]


@dataclass
class Place_:
    """A Kafka of one's own and a database of one's own: dead-letter topics have fixed names."""

    settings: ServiceSettings
    mongo: Mongo
    kafka: KafkaCluster

    @property
    def databases(self) -> dict[str, Any]:
        return {service: self.mongo.database(f"{self.settings.mongodb_database_prefix}_{service}") for service in WRITER.values()}

    async def forget(self) -> None:
        """Topics anew, as after a lost disk."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap_servers)
        await admin.start()
        await admin.delete_topics([REQUESTS, *(dead_letters(service) for service in WRITER.values())])
        await admin.close()
