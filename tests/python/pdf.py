"""A PDF as the Python package pypdf reads it: {"file": base64} -> {"title", "pages": [text]}. The text
comes from the characters that the file names for its glyphs. Reading is strict, so that what isn't as
the standard says is an error.
"""

import base64
import io
import json
import sys

import pypdf

asked = json.load(sys.stdin)
read = pypdf.PdfReader(io.BytesIO(base64.b64decode(asked["file"])), strict=True)
print(
    json.dumps(
        {
            "title": read.metadata.title,
            "madeAt": read.metadata.creation_date.isoformat(),
            "pages": [page.extract_text() for page in read.pages],
        }
    )
)
