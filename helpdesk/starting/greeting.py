"""What `helpdesk up` tells whoever started it: where everything answers, who may sign in, and commands to go on with."""

from collections.abc import Mapping

from helpdesk.embedded.servers import KAFKA_VARIABLE, MONGO_VARIABLE, Servers
from helpdesk.starting.here import CATCHER, CHAT, MAIL, MAIL_OUT
from helpdesk.starting.layout import Ports
from helpdesk.starting.typed import Typed


def nothing_loaded(servers: Servers, typed: Typed) -> str:
    beside = f" while `{typed.on_data('mongo')}` runs in another terminal" if any(server.name == "mongo" for server in servers.ours) else ""
    load = typed.command("load FILE.yaml")
    return f"No organisation is loaded. Start with --demo to try it out, or run `{load}`{beside}, then start again."


def _variables(servers: Servers) -> dict[str, str]:
    """Where the servers are that were started here; what the user named needs no telling, and may hold a password."""
    known = {"kafka": (KAFKA_VARIABLE, servers.bootstrap_servers), "mongo": (MONGO_VARIABLE, servers.mongodb_uri)}
    return dict(known[server.name] for server in servers.ours)


def addresses_told(ports: Ports, relay: str | None, *, demo: bool) -> dict[str, str]:
    """By the names that people and `helpdesk demo` know them by. `relay`: the URL of the mail server; None: the catcher."""
    found = {
        "The form": f"http://127.0.0.1:{ports.intake}/",
        "Officers' API": f"http://127.0.0.1:{ports.routing}/docs",
        MAIL: f"smtp://127.0.0.1:{ports.mail}" + ("  (demo address: helpdesk@customs.example)" if demo else ""),
    }
    if demo:
        found[CHAT] = ports.chat
    if relay is None:
        found[CATCHER] = f"http://127.0.0.1:{ports.catcher}/   every mail and chat answer we send ends here"
    else:
        found[MAIL_OUT] = f"{_host_and_port(relay)}   every mail we send goes there, to whomever it is for (HELPDESK_SMTP_URL)"
    return found


def _host_and_port(relay: str) -> str:
    """Without the user and the password, which are nobody's business on a screen."""
    from services.notifier.relay import Relay

    found = Relay.from_url(relay)
    return f"[{found.host}]:{found.port}" if ":" in found.host else f"{found.host}:{found.port}"


def greeting(addresses: Mapping[str, str], servers: Servers, tokens: Mapping[str, str], seconds: float, typed: Typed) -> str:
    """Everything, once it runs. A chat can be tried where its answer is seen."""
    from helpdesk.starting.demo import ACCOUNTS

    lines = ["", *(f"  {name:<16}  {address}" for name, address in addresses.items())]
    if CHAT in addresses and CATCHER in addresses:
        question = typed.on_data('demo chat "Where is our container?"')
        lines.append(f"  {'':<16}  try it: {question}")
    if tokens:
        width = max(len(name) for name in tokens)
        lines += ["", "  Sign in with `Authorization: Bearer TOKEN`:"]
        lines += [f"    {name:<{width}}  {token}  {ACCOUNTS.get(name, '')}" for name, token in tokens.items()]
    if servers.ours:
        exports = [f"    export {name}='{value}'" for name, value in _variables(servers).items()]
        lines += ["", f"  For other commands, such as `{typed.command('check')}`:", *exports]
    return "\n".join([*lines, "", f"ready ({seconds:.1f} s; Ctrl-C stops everything, the data stays)"])
