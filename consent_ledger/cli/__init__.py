"""The command `consent-ledger`: one module per noun, each imported only when it is asked for.

Data goes to standard output, messages to standard error. Exit codes: 0 done or all allowed, 1 failure, 2 usage, 3 some
denied, 4 some undetermined and none denied, 5 verification failed, 6 not anchored or stale.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from consent_ledger import __version__
from consent_ledger.errors import LedgerError, StaleError, VerificationError

FAILURE, USAGE, DENIED, UNDETERMINED, NOT_VERIFIED, STALE = 1, 2, 3, 4, 5, 6

COMMANDS = {
    "init": ("consent_ledger.cli.init:init", "Make a new ledger in a folder of its own."),
    "demo": ("consent_ledger.cli.demo:demo", "Play a small dataset through the whole service."),
    "org": ("consent_ledger.cli.org:org", "Enrol organisations, each with a key, and let them use the service."),
    "token": ("consent_ledger.cli.token:token", "Make, list and revoke tokens for the HTTP service."),
    "staff": ("consent_ledger.cli.staff:staff", "Let people sign in to the pages of the service."),
    "party": ("consent_ledger.cli.party:party", "Enrol people, each with a key of their own."),
    "template": ("consent_ledger.cli.template:template", "Publish the texts and rules that people sign."),
    "project": ("consent_ledger.cli.project:project", "Say what a project is for and what it asks people to sign."),
    "asset": ("consent_ledger.cli.asset:asset", "Register media files by their hashes."),
    "grant": ("consent_ledger.cli.grant:grant", "Sign a permission."),
    "revoke": ("consent_ledger.cli.revoke:revoke", "Withdraw a permission, wholly or in part."),
    "suspend": ("consent_ledger.cli.suspend:suspend", "Pause permissions."),
    "resume": ("consent_ledger.cli.suspend:resume", "Let paused permissions hold again."),
    "submission": ("consent_ledger.cli.submission:submission", "Say that files are accepted, rejected or paid for."),
    "statement": ("consent_ledger.cli.statement:statement", "Record statements that were signed elsewhere."),
    "check": ("consent_ledger.cli.check:check", "Ask whether files may be put to a use."),
    "explain": ("consent_ledger.cli.explain:explain", "Say what would clear files that are not."),
    "receipt": ("consent_ledger.cli.receipt:receipt", "Take a proof away that a statement is recorded."),
    "certificate": ("consent_ledger.cli.certificate:certificate", "Take an answer away with all that it rests on."),
    "report": ("consent_ledger.cli.report:report", "Write the audit report, as PDF and as data."),
    "bundle": ("consent_ledger.cli.bundle:bundle", "Write all that an outside auditor needs into a folder."),
    "verify": ("consent_ledger.cli.verify:verify", "Verify a bundle, offline and trusting nobody."),
    "publish": ("consent_ledger.cli.publish:publish", "Publish the log as files that anybody can verify."),
    "witness": ("consent_ledger.cli.witness:witness", "Cosign other logs, so that they cannot show two histories."),
    "erase": ("consent_ledger.cli.erase:erase", "Destroy what a person said; that it was said stays provable."),
    "hold": ("consent_ledger.cli.erase:hold", "Keep what a person said from being erased."),
    "recover": ("consent_ledger.cli.recover:recover", "Bring back what a restored database has forgotten."),
    "rebuild": ("consent_ledger.cli.rebuild:rebuild", "Make the index anew from the log."),
    "key": ("consent_ledger.cli.key:key", "Make keys, and record that one is added, retired or compromised."),
    "serve": ("consent_ledger.cli.serve:serve", "Answer over HTTP."),
    "doctor": ("consent_ledger.cli.doctor:doctor", "Look whether everything is in order here."),
    "conformance": ("consent_ledger.cli.conformance:conformance", "Run the clearance cases."),
}


AT_A_SERVER = frozenset(
    ("org", "party", "template", "project", "asset", "grant", "revoke", "suspend", "resume", "submission",
     "statement", "check", "explain", "receipt", "key")
)  # fmt: skip
"""What may be asked or said of a ledger that another machine has, all of it or, of a group, some."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, so that the others need not be waited for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f", did you mean `{near[0]}`?" if near else ""
            raise click.UsageError(f"there is no command `{args[0]}`{hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        names = [CompletionItem(n, help=h) for n, (_, h) in COMMANDS.items() if n.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Example: consent-ledger demo --dir demo, then consent-ledger check demo/media --home demo/home "
        '--for open-training. Completion for bash: eval "$(_CONSENT_LEDGER_COMPLETE=bash_source consent-ledger)"'
    ),
)
@click.option("--home", type=click.Path(path_type=Path), help="The ledger's folder [default: ~/.consent-ledger].")
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="A file with the passphrase of key files.")
@click.option("--server", metavar="URL", help="The server that has the ledger, if it is not the one of the home.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file with the token for the server.")
@click.option("--ca-file", type=click.Path(path_type=Path), help="Whose certificates the server may have, in PEM.")
@click.option("--vkey", metavar="KEY|FILE", help="The verifier key of the server's log [default: of the home].")
@click.version_option(__version__, package_name="consent-ledger")
@click.pass_context
def cli(ctx: click.Context, /, home: Path | None, passphrase_file: Path | None, **connection: Any) -> None:
    """Who agreed to which use of which media, since when: recorded, answered, and proved.

    Exit codes: 0 done or all allowed, 1 failure, 2 usage, 3 some denied, 4 some undetermined and none denied,
    5 verification failed, 6 not anchored or stale.
    """
    from consent_ledger.cli.session import Session

    if connection["server"] is not None and ctx.invoked_subcommand not in AT_A_SERVER:
        raise click.UsageError(f"`{ctx.invoked_subcommand}` works on the ledger of the home, not on that of a server")
    ctx.obj = Session(home, passphrase_file)
    for name, value in connection.items():
        setattr(ctx.obj, name, value)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, of this process or as given, and exit."""
    try:
        status = cli.main(arguments, prog_name="consent-ledger", standalone_mode=False)
    except click.ClickException as e:
        _show(e)
        sys.exit(e.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _complain("stopped; what was recorded until now stays recorded")
        sys.exit(130)
    except LedgerError as e:
        _complain(str(e), *(f"{p.pointer or '/'}: {p.detail}" for p in e.problems if p.detail != str(e)))
        sys.exit(exit_code_of(e))
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain again while it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILURE)
    except OSError as e:
        place = "" if e.filename is None else f"`{os.fsdecode(e.filename)}`: "
        _complain(f"{place}{(e.strerror or str(e)).lower()}")
        sys.exit(FAILURE)
    sys.exit(status if isinstance(status, int) else 0)


def exit_code_of(error: LedgerError) -> int:
    """Return the exit code of an error."""
    match error:
        case VerificationError():
            return NOT_VERIFIED
        case StaleError():
            return STALE
        case _:
            return FAILURE


def _show(error: click.ClickException) -> None:
    """Show a mistake in the usage as one line, and where help is."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    hint = f" (see `{context.command_path} --help`)" if context is not None and error.exit_code == USAGE else ""
    _complain(message[:1].lower() + message[1:] + hint)


def _complain(message: str, *more: str) -> None:
    lines = [f"error: {message}", *(f"  {line}" for line in more)]
    text = "\n".join(line.encode("utf-8", "backslashreplace").decode() for line in lines)
    click.echo(text, err=True)
