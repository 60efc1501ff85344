"""The tree of commands. Each is named by where it lies, and imported when it is asked for."""

from __future__ import annotations

from cyclopts import App, Parameter

from outlay import __version__

# Flags have no `--no-…` twin, and a default that says nothing is not shown.
_DEFAULTS = Parameter(negative=(), show_default=False)

_ROOT = """Every cloud bill in one open lake, proved to the cent, and answers to what was spent.

To begin with sample bills:

outlay demo bills
outlay connections add anycost simple-cloud --cloud-provider "Simple Cloud" --location bills/anycost/simple-cloud
outlay ingest
outlay costs --by ServiceName"""

_ADD = """Register a place where bills arrive.

Nothing is read before the next outlay ingest.

For example:

outlay connections add aws main --location s3://billing/cur --export daily
outlay connections add focus acme --location file:///bills/acme"""

_TELL = """Add a channel: who is told, and of what.

For example:

outlay notices add webhook FinOps --url https://example.com/hook --on late --on failing"""

# By group: each command and where it lies, in the order of the help.
_COMMANDS: dict[str, dict[str, str]] = {
    "": {
        "up": "outlay.cli.up:up",
        "worker": "outlay.cli.worker:worker",
        "demo": "outlay.cli.demo:demo",
        "ingest": "outlay.cli.ingest:ingest",
        "costs": "outlay.cli.costs:costs",
        "accounts": "outlay.cli.accounts:accounts",
        "account-report": "outlay.cli.accounts:report",
        "overlaps": "outlay.cli.overlaps:overlaps",
        "periods": "outlay.cli.periods:periods",
        "revert": "outlay.cli.periods:revert",
        "sql": "outlay.cli.sql:sql",
        "export": "outlay.cli.export:export",
        "check": "outlay.cli.check:check",
        "policy": "outlay.cli.policy:policy",
        "doctor": "outlay.cli.doctor:doctor",
        "completion": "outlay.cli.completion:completion",
    },
    "connections": {
        "list": "outlay.cli.connections:list_",
        "show": "outlay.cli.connections:show",
        "set": "outlay.cli.steering:set_",
        "update": "outlay.cli.updating:update",
        "moves": "outlay.cli.updating:moves",
        "go-back": "outlay.cli.updating:go_back",
        "go-on": "outlay.cli.updating:go_on",
        "stop": "outlay.cli.steering:stop",
        "pause": "outlay.cli.connections:pause",
        "resume": "outlay.cli.connections:resume",
        "remove": "outlay.cli.connections:remove",
        "reseal": "outlay.cli.steering:reseal",
    },
    "add": {
        "anycost": "outlay.cli.adding:anycost",
        "aws": "outlay.cli.adding:aws",
        "focus": "outlay.cli.adding:focus",
        "stream": "outlay.cli.adding:stream",
        "linked": "outlay.cli.adding:linked",
    },
    "users": {
        "list": "outlay.cli.users:list_",
        "add": "outlay.cli.users:add",
        "role": "outlay.cli.users:role",
        "link": "outlay.cli.users:link",
        "remove": "outlay.cli.users:remove",
    },
    "notices": {
        "list": "outlay.cli.notices:list_",
        "test": "outlay.cli.notices:try_",
        "switch": "outlay.cli.notices:switch",
        "remove": "outlay.cli.notices:remove",
        "log": "outlay.cli.notices:log",
    },
    "notices add": {
        "email": "outlay.cli.telling:email",
        "webhook": "outlay.cli.telling:webhook",
        "slack": "outlay.cli.telling:slack",
    },
    "aws": {
        "exports": "outlay.cli.aws:exports",
        "make-export": "outlay.cli.aws:make_export",
    },
    "inventory": {
        "list": "outlay.cli.inventory:list_",
        "show": "outlay.cli.inventory:show",
        "accounts": "outlay.cli.inventory:accounts",
        "look": "outlay.cli.inventory:look",
    },
    "drop": {
        "publish": "outlay.cli.drops:publish",
        "list": "outlay.cli.drops:list_",
        "show": "outlay.cli.drops:show",
        "diff": "outlay.cli.drops:diff",
        "revert": "outlay.cli.drops:revert",
        "empty": "outlay.cli.drops:empty",
        "prune": "outlay.cli.drops:prune",
    },
    "adaptor": {
        "run": "outlay.cli.adaptor:run",
    },
    "lake": {
        "where": "outlay.cli.lake:where",
        "tidy": "outlay.cli.lake:tidy",
        "roll-up": "outlay.cli.lake:roll_up",
    },
}


# Words that name no command, but a group of them.
GROUPS = frozenset(word for group in _COMMANDS for word in group.split())


def make_app() -> App:
    """A new tree; commands in it are not imported yet."""
    root = App(
        name="outlay",
        help=_ROOT,
        version=f"outlay {__version__}",
        help_format="plaintext",
        default_parameter=_DEFAULTS,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    connections = App(
        name="connections", help="The places where bills arrive: add, list, show, update, pause, remove.", sort_key=3.5
    )
    add = App(name="add", help=_ADD, sort_key=0)
    lake = App(name="lake", help="Where the charges lie, and keeping them tidy.", sort_key=9.5)
    users = App(name="users", help="Who may sign in to the site: add, list, role, link, remove.", sort_key=8.5)
    notices = App(name="notices", help="Who is told what: add, list, test, switch, remove, log.", sort_key=8.7)
    telling = App(name="add", help=_TELL, sort_key=0)
    connections.command(add)
    notices.command(telling)
    apps = {"": root, "connections": connections, "add": add, "users": users, "lake": lake}
    aws = App(name="aws", help="The billing exports of an AWS account: list them, make one.", sort_key=3.7)
    drop = App(name="drop", help="The side of an adaptor: publish AnyCost drops, and see to them.", sort_key=9.2)
    adaptor = App(name="adaptor", help="Turn a vendor's invoice into AnyCost drops by a mapping.", sort_key=9.1)
    inventory = App(name="inventory", help="What runs in the AWS accounts: list, show, accounts, look.", sort_key=4.5)
    apps |= {"adaptor": adaptor, "inventory": inventory, "notices": notices, "drop": drop}
    apps |= {"notices add": telling, "aws": aws}
    root["--help"].help = "Show this, or the help of a command: outlay costs --help."
    root["--version"].help = "Show the version."
    for name, app in apps.items():
        for number, (command, place) in enumerate(_COMMANDS[name].items(), start=1):
            app.command(place, name=command, sort_key=number)
    root.command(connections)
    root.command(aws)
    root.command(inventory)
    root.command(users)
    root.command(notices)
    root.command(adaptor)
    root.command(drop)
    root.command(lake)
    return root


def load(app: App) -> None:
    """Import every command, so that a listing can say what each is for. No command's module imports much."""
    for command in app.resolved_commands().values():
        load(command)
