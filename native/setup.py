"""How the extension is compiled; all else is in ``pyproject.toml``.

``ORDERTRAIL_NATIVE_CFLAGS`` adds compiler flags: ``-Werror``, or a sanitizer's.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

# Relative to this file's folder, from which every build runs.
SOURCES = sorted(str(path) for path in Path("src").glob("*.c"))
WARNINGS = ["-Wall", "-Wextra", "-Wshadow"]
EXTRA = os.environ.get("ORDERTRAIL_NATIVE_CFLAGS", "").split()

setup(
    ext_modules=[
        Extension(
            "ordertrail_native._engine",
            SOURCES,
            depends=[str(path) for path in Path("src").glob("*.h")],
            include_dirs=["src"],
            # -O3 unrolls the rounds. Which instructions may be used is said function by function.
            extra_compile_args=["-std=c11", "-O3", *WARNINGS, "-fvisibility=hidden", *EXTRA],
            extra_link_args=[flag for flag in EXTRA if flag.startswith("-fsanitize")],
            py_limited_api=True,
        )
    ],
    # One wheel for Python 3.11 and all later ones.
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
