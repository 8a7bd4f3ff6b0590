"""`/docs`: the API's description as a page, with everything it needs served from here, so that it works without the internet."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

_ASSETS: Final = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}

HEADERS: Final = {
    # Swagger UI sets styles on elements and draws icons from data URLs; everything else comes from this address.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon.png">
</head>
<body>
<div id="swagger-ui"><noscript>The description is at <a href="openapi.json">openapi.json</a>.</noscript></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

_START: Final = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""


def add_documentation(app: FastAPI) -> None:
    """Addresses are relative, so that it also works under a path of a proxy."""
    folder = Path(str(files("fastapi_offline"))) / "static"

    @app.get("/docs", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(_PAGE.format(title=app.title), headers=HEADERS)

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_START, media_type="text/javascript", headers=HEADERS)

    for name, kind in _ASSETS.items():
        app.add_api_route(f"/docs/{name}", _served(folder / name, kind), include_in_schema=False)


def _served(path: Path, kind: str) -> Callable[[], Awaitable[Response]]:
    async def served() -> Response:
        return FileResponse(path, media_type=kind, headers=HEADERS | {"Cache-Control": "public, max-age=3600"})

    return served


def add_pointer(app: FastAPI) -> None:
    """`/` of a service that has no page there."""

    @app.get("/", include_in_schema=False)
    async def pointer() -> Response:
        return JSONResponse(
            {"title": app.title, "documentation": "/docs", "openapi": "/openapi.json", "alive": "/livez", "ready": "/readyz"}
        )
