"""Options and arguments that several commands take, said once."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from codeset.errors import WrongUse
from codeset.participants import ANSWERS, Participant
from codeset.releases import Release

FORMER_NAMES: Mapping[str, str] = {"--accept-ama-licence": "--accept-ama-license"}
"""Options that were renamed, by their former name, which still works and which `--help` does not show."""


class Command(TyperCommand):
    """A command that also accepts the former names of its options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse *args* with former option names replaced by today's, and an option of several files before each."""
        return super().parse_args(
            ctx, list(_one_option_for_each_file([_with_todays_name(argument) for argument in args]))
        )


# A shell's `--claims *.csv` gives several words to one option, which click does not take.
_OPTIONS_OF_SEVERAL_FILES = ("--claims",)


def _one_option_for_each_file(arguments: list[str]) -> Iterator[str]:
    """Yield `--claims a --claims b` for `--claims a b`: up to the next option or release, all are its files."""
    option_name = ""
    for position, argument in enumerate(arguments):
        follows_option = position > 0 and arguments[position - 1] == option_name
        if argument.startswith("-") or (_is_release(argument) and not follows_option):
            option_name = argument if argument in _OPTIONS_OF_SEVERAL_FILES else ""
        elif option_name and not follows_option:
            yield option_name
        yield argument


def _is_release(text: str) -> bool:
    try:
        # The releases of `review` may follow the files of --claims: the first word that is one ends them.
        Release.parse(text)
    except WrongUse:
        return False
    return True


def _with_todays_name(argument: str) -> str:
    option_name, equals_sign, option_value = argument.partition("=")
    return f"{FORMER_NAMES.get(option_name, option_name)}{equals_sign}{option_value}"


def release_label(text: str) -> str:
    """Return a release's label as the store has it: `2026Q3` is 2026q3."""
    return str(Release.parse(text.strip()))


ClaimFiles = Annotated[list[Path], typer.Argument(metavar="CLAIMS...", help="csv, JSON, NDJSON, parquet or 837P files")]
ReadAgainstOption = Annotated[
    str | None,
    typer.Option(
        "--release",
        parser=release_label,
        metavar="RELEASE",
        help="Read all lines against this one [default: by date of service]",
    ),
]
ReleaseArgument = Annotated[str, typer.Argument(metavar="RELEASE", parser=release_label, help="Such as 2026q3")]


def store_folder(text: str) -> Path:
    """Return the folder of a store.

    Raises BadParameter: for an empty text, which a script has whose variable is not set; it would be the folder that
    the command runs in.
    """
    if not text.strip():
        raise typer.BadParameter("is empty; name the folder of the store, or leave --store out for the default")
    return Path(text)


StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        envvar="CODESET_STORE",
        parser=store_folder,
        metavar="FOLDER",
        help="Folder of snapshots [default: your user data folder]",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs")]
ScenariosOption = Annotated[
    Path | None,
    typer.Option(
        "--scenarios", envvar="CODESET_SCENARIOS", help="Folder of scenarios [default: the golden dermatology suite]"
    ),
]
GuidanceOption = Annotated[
    Path | None,
    typer.Option("--guidance", help="Statements of coding guides to check [default: the two practice guides]"),
]
ApprovalsOption = Annotated[Path, typer.Option("--approvals", help="Folder of signed approvals")]
KeyOption = Annotated[Path, typer.Option("--key", metavar="FILE", help="SSH key to sign with")]
DEFAULT_KEY = Path("~/.ssh/id_ed25519")
ApprovedLockOption = Annotated[
    Path, typer.Option("--lock", envvar="CODESET_LOCK", help="File that pins CMS's files and records the last approval")
]
DEFAULT_LOCK = Path("sources.lock.json")
IntoOption = Annotated[
    Path | None,
    typer.Option("--into", help="Folder of downloads, one folder in it for each release [default: in the store]"),
]


def hcpcs_code(text: str) -> str:
    """Return an HCPCS code in capitals.

    Raises WrongUse: if it is none; a code that a spreadsheet took for a number has lost its zeros.
    """
    # HCPCS codes have capitals only: g0127 can mean nothing but G0127.
    code = text.strip().upper()
    if not _HCPCS.fullmatch(code):
        raise WrongUse(
            f'"{text}" has {len(code)} characters; HCPCS codes have five characters, digits or letters, such as 11102 '
            "(leading zeros count: 00100; modifiers are left out)"
        )
    return code


_HCPCS = re.compile(r"[0-9A-Z]{5}")


def setting_of(answer: str) -> str:
    """Return the setting that an answer to `--setting` names.

    Raises BadParameter: if it names none.
    """
    # Billers say office for what CMS calls non-facility: POS 11 and others (IOM 100-04 ch. 12, section 20.4.2).
    setting_of_answer = {"office": "nonfacility", "nonfacility": "nonfacility", "non-facility": "nonfacility"}
    setting = {**setting_of_answer, "facility": "facility"}.get(answer.lower())
    if setting is None:
        raise typer.BadParameter(f"expected office or facility, found '{answer}'")
    return setting


SettingOption = Annotated[
    str | None,
    typer.Option(
        "--setting",
        parser=setting_of,
        metavar="office|facility",
        help="Where services are done: office is POS 11 and others that are not facilities [default: both]",
    ),
]
LOCALITY_HELP = "MAC-LOCALITY, name, state or ZIP code of a locality that is the only one of it; or national"


def participant_of(answer: str) -> Participant:
    """Return the class that an answer to `--qualifying-apm` names.

    Raises BadParameter: if it names none.
    """
    if answer not in ANSWERS:
        raise typer.BadParameter(f"expected {' or '.join(ANSWERS)}, found '{answer}'")
    return ANSWERS[answer]


QualifyingApmOption = Annotated[
    Participant | None,
    typer.Option(
        "--qualifying-apm",
        parser=participant_of,
        metavar="|".join(ANSWERS),
        help="Whose conversion factor prices lines from 2026 on; else they have none",
    ),
]
AlsoOption = Annotated[
    str, typer.Option("--also", metavar="outpatient,dme", help="Edits for outpatient hospitals, for DME suppliers too")
]
LockOption = Annotated[
    Path | None,
    typer.Option("--lock", envvar="CODESET_LOCK", help="File that pins CMS's files [default: in the store]"),
]
LockedOption = Annotated[
    bool, typer.Option("--locked", help="Fetch exactly what the lock pins; read no page, take no other bytes")
]
AcceptOption = Annotated[
    str | None,
    typer.Option(
        "--accept-ama-license",
        metavar="NAME",
        # The second spelling is that of the first versions: scripts that set it go on working.
        envvar=["CODESET_AMA_LICENSE_ACCEPTED_BY", "CODESET_AMA_LICENCE_ACCEPTED_BY"],
        help="You, by name, have read and accept the AMA's license; recorded",
    ),
]
