"""Reading mails on one core: from the bytes to the letter, with its new text and its bounce.

python -m benchmarks.mail                       the samples of the tests
python -m benchmarks.mail --seconds 20 FOLDER   all `.eml` files below FOLDER
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from services.intake.mail.parsing import parse

SAMPLES = Path(__file__).parents[1] / "tests" / "data"


def mails(folders: Sequence[Path]) -> list[bytes]:
    return [path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.eml"))]


def measure(raws: Sequence[bytes], seconds: float) -> dict[str, float]:
    """CPU time, so that what else the machine does counts little."""
    slowest, read, began = 0.0, 0, time.process_time()
    while time.process_time() - began < seconds:
        for raw in raws:
            start = time.process_time()
            parse(raw)
            slowest = max(slowest, time.process_time() - start)
        read += len(raws)
    spent = time.process_time() - began
    return {"mails": len(raws), "bytes": sum(map(len, raws)), "per_second": round(read / spent), "slowest_ms": round(slowest * 1000, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("folders", type=Path, nargs="*", default=[SAMPLES])
    arguments = parser.parse_args()
    raws = mails(arguments.folders)
    assert raws, "there is no .eml file"
    print(json.dumps(measure(raws, arguments.seconds)))


if __name__ == "__main__":
    main()
