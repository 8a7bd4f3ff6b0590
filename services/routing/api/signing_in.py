"""From a bearer token to a reader."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kit.errors import RefusedError
from kit.mongo import Mongo
from services.routing.access import Reader, reader
from services.routing.directory import Directory
from services.routing.tokens import TokenRepository

_bearer = HTTPBearer(auto_error=False, description="From `helpdesk token create OFFICER`.")

SignedIn = Callable[..., Awaitable[Reader]]


def signing_in(mongo: Mongo, tokens: TokenRepository, directory: Directory) -> SignedIn:
    """A dependency that gives the reader, or refuses with 401."""

    async def signed_in(
        _: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Reader:
        if credentials is None:
            raise RefusedError(
                "Send `Authorization: Bearer TOKEN` with a token from `helpdesk token create OFFICER`.", status=401, title="Sign in"
            )
        key = await tokens.officer_of(credentials.credentials, mongo.now())
        organisation = directory.context().org
        officer = organisation.officer(key) if key else None
        if officer is None:
            raise RefusedError("This token is unknown or has expired. Ask an administrator for a new one.", status=401, title="Sign in")
        return reader(organisation, officer)

    return signed_in
