"""Routing's settings."""

from pydantic import Field

from kit.settings import ServiceSettings


class RoutingSettings(ServiceSettings):
    routing_port: int = Field(default=8001, ge=0, le=65535, description="Port of the officers' API.")
    ticker_batch: int = Field(default=200, ge=1, le=1000, description="Tickets whose deadlines are handled in one transaction.")
