"""How well reports of mail servers are understood: against a table made by others, as a confusion table.

    python -m benchmarks.bounces FOLDER

FOLDER holds `.eml` files and `expected.json`: by file name, for each recipient, whether it is `hard` and for which `reason`.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

from services.intake.mail.parsing import parse


def kind(hard: list[bool]) -> str:
    return "mixed" if len(set(hard)) > 1 else "hard" if hard[0] else "soft"


def compare(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    counts: Counter[tuple[str, str]] = Counter()
    missed: list[str] = []
    right = 0
    for name, recipients in expected.items():
        bounce = parse((folder / name).read_bytes()).bounce
        wanted = [each["hard"] for each in recipients]
        if bounce is None:
            missed.append(f"{name} ({recipients[0]['reason']})")
            continue
        found = [each.hard for each in bounce.recipients]
        right += sorted(found) == sorted(wanted)
        counts[kind(wanted), kind(found)] += 1
    show(len(expected), counts, right, missed)


def show(total: int, counts: Counter[tuple[str, str]], right: int, missed: list[str]) -> None:
    kinds = ("hard", "soft", "mixed")
    print(f"{'expected':<10}" + "".join(f"{'read ' + each:>12}" for each in kinds))
    for wanted in kinds:
        print(f"{wanted:<10}" + "".join(f"{counts[wanted, each]:>12}" for each in kinds))
    found = total - len(missed)
    print(f"recognised with a recipient: {found} of {total} ({found / total:.1%})")
    print(f"hard or soft right: {right} of {found} ({right / found:.1%})")
    print("not recognised: " + ", ".join(missed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    compare(parser.parse_args().folder)


if __name__ == "__main__":
    main()
