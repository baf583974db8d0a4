"""The only file that names adapters: from a directory and its settings to a trail's services.

A trail directory holds ``trail.toml``, ``ordertrail.db``, ``log/`` (the default stream's tlog-tiles tree:
``checkpoint``, ``keys.txt``, ``tile/…``, ``anchors/…``), ``streams/<name>/`` (other streams' trees),
``blobs/`` and ``keys/``.
"""

import re
import socket
from dataclasses import replace
from pathlib import Path

from ordertrail.adapters.files.durable import make_folder
from ordertrail.adapters.files.keyring import FileKeyRing
from ordertrail.adapters.files.lock import FileLock
from ordertrail.adapters.files.publication import FilePublication
from ordertrail.adapters.files.vault import FileVault
from ordertrail.adapters.sql.database import Database, create_database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.adapters.sql.streams import add_stream, list_streams
from ordertrail.kernel.clock import Clock, format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import KeyPeriod
from ordertrail.ledger.rotation import LogIdentity, first_statement
from ordertrail.ledger.sequencer import Log, sequencing
from ordertrail.ledger.vkey import format_vkey
from ordertrail.settings import SETTINGS, Settings, format_settings, parse_settings, passphrase
from ordertrail.vault.keeping import KeptTiles

DATABASE = "ordertrail.db"
DEFAULT_STREAM = "default"
KEEP_DAYS = 2_557
"""Seven years of days, two leap days among them: the usual rule for orders and invoices."""
