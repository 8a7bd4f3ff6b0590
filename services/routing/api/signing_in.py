"""From a bearer token to a reader."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kit.language import language_of
from services.routing.access import Reader, reader
from services.routing.api.refusals import BAD_TOKEN, NO_TOKEN, SIGN_IN, refused
from services.routing.directory import Directory
from services.routing.tokens import TokenRepository

_bearer = HTTPBearer(auto_error=False, description="From `helpdesk token create OFFICER`.")

CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
INVALID: Final = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
"""What a 401 carries (RFC 6750 section 3): nothing more where no token came."""

SignedIn = Callable[..., Awaitable[Reader]]


def signing_in(tokens: TokenRepository, directory: Directory, now: Callable[[], datetime]) -> SignedIn:
    """A dependency that gives the reader, or refuses with 401. From then on refusals are in the officer's language."""

    async def signed_in(request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Reader:
        if credentials is None:
            raise refused(language_of(request), 401, SIGN_IN, NO_TOKEN, field="Authorization", headers=CHALLENGE)
        key = await tokens.officer_of(credentials.credentials, now())
        organisation = directory.context().org
        officer = organisation.officer(key) if key else None
        if officer is None:
            raise refused(language_of(request), 401, SIGN_IN, BAD_TOKEN, field="Authorization", headers=INVALID)
        request.state.language = officer.language
        return reader(organisation, officer)

    return signed_in
