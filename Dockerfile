# One image for the three services, the commands and the mail catcher: docker compose up, or helpdesk run SERVICE.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.txt requirements/server.txt requirements/
RUN python -m venv /app \
    && /app/bin/pip install --no-cache-dir --require-hashes --requirement requirements/server.txt \
    && python -m venv /tools \
    && /tools/bin/pip install --no-cache-dir --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY kit kit
COPY services services
COPY helpdesk helpdesk
RUN /tools/bin/pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /app/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin helpdesk
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 HELPDESK_HOST=0.0.0.0 HELPDESK_HEALTH_PORT=8000
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000 8001 8002 8003 8025 8026
# By http.client, which no proxy variable leads astray.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['HELPDESK_HEALTH_PORT']), timeout=3); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["helpdesk"]
CMD ["--help"]
