"""The whole line, on this machine: from `POST` to the acknowledgement accepted by a mail server.

    python -m benchmarks.line --until-told --clients 1000     how much it carries from one end to the other
    python -m benchmarks.line --clients 256                   how much it accepts, and how long the rest takes after it
    python -m benchmarks.line --rate 50                       how long one takes

Every server, the load and the mail server share this machine's cores. All requests are given to one group, so its mailbox gets a
few mails and a digest a minute; with HELPDESK_NEW_WORK_PER_MINUTE=0 it gets one for each.
"""

import argparse
import os
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from benchmarks import load, sink
from benchmarks.figures import options, under_load, used, written
from helpdesk import provision
from helpdesk.demo import ORGANISATION
from helpdesk.embedded.ports import free_ports
from helpdesk.embedded.servers import Servers, find_or_start
from helpdesk.organisation import read
from helpdesk.starting.layout import SERVICES, Ports, environment
from helpdesk.starting.processes import Processes
from kit.settings import ServiceSettings


async def provide(servers: Servers) -> None:
    settings = ServiceSettings(kafka_bootstrap_servers=servers.bootstrap_servers, mongodb_uri=servers.mongodb_uri)  # type: ignore[arg-type]
    mongo = provision.connected(settings)
    await provision.init(settings, mongo)
    await provision.load(settings, mongo, read(ORGANISATION))
    await mongo.close()


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    data = Path(tempfile.mkdtemp(prefix="helpdesk-bench-"))
    async with AsyncExitStack() as stack:
        intake, routing, notifier, mail, catcher, smtp, kafka, mongo = free_ports(8)
        servers = await find_or_start(data, os.environ, kafka_port=kafka, mongo_port=mongo)
        for server in servers.ours:
            stack.callback(server.wipe)
        stack.push_async_callback(servers.stop)
        record = load.Record()
        (await sink.serve(smtp, record.noted)).get_loop()
        ports = Ports(intake, routing, notifier, mail, catcher, smtp)
        variables = environment(os.environ, ports, servers, data, catching=True) | {"HELPDESK_LOG_LEVEL": "WARNING"}
        await provide(servers)
        processes = Processes(SERVICES, ports.health, variables, data)
        stack.push_async_callback(processes.stop)
        processes.start()
        await processes.until_ready()
        return await under_load(intake, record, arguments) | used(processes.pids, servers)


def main() -> None:
    written(uvloop.run(measure(options(__doc__).parse_args())))


if __name__ == "__main__":
    main()
