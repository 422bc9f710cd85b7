"""Fails if a file holds what may be a card number: 13 to 19 digits that pass the Luhn check. What is
part of a digest in hexadecimal, 32 digits or more, is none.

    python tests/python/card_numbers.py FILE
"""

import re
import sys
from pathlib import Path


def is_luhn(digits):
    doubled = [int(c) * 2 if place % 2 else int(c) for place, c in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def main():
    text = Path(sys.argv[1]).read_text(errors="replace")
    text = re.sub(r"[0-9a-f]*[a-f][0-9a-f]*", lambda m: "" if len(m[0]) >= 32 else m[0], text)
    found = [run for run in re.findall(r"(?<!\d)\d{13,19}(?!\d)", text) if is_luhn(run)]
    if found:
        print(f"{sys.argv[1]} holds {len(found)} numbers that may be card numbers")
        sys.exit(1)


if __name__ == "__main__":
    main()
