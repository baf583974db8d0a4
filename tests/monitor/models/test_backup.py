"""What is governed is in a backup, and comes back: the log, the models' files, and what actions are worth."""

from pathlib import Path

from monitor.actions.told import FILE
from monitor.models.test_registry import ANNA, CODE, approved
from ordertrail.assembly import create_trail
from ordertrail.assembly.actions import read_actions
from ordertrail.assembly.backup import back_up
from ordertrail.assembly.models import open_models
from ordertrail.assembly.restore import Request, restore
from ordertrail.record.event import Actor
from ordertrail.settings import Settings


def test_a_deployed_model_comes_back_from_a_backup(tmp_path: Path) -> None:
    """A restored trail has the model in use, byte for byte, and the same actions."""
    root, kept, again = tmp_path / "trail", tmp_path / "backup", tmp_path / "again"
    create_trail(root, "shop.example/log", settings=Settings(immutable=False)).close()
    (root / "corrective.toml").write_text(FILE)
    with open_models(root) as models:
        version = approved(models)
        before = models.deploy(version, ANNA, "from Monday on")
    back_up(root, kept, with_keys=True)
    restore(kept, again, Request(Actor("anna", "person"), "the disk broke"), lambda _step, _done: None)
    with open_models(again) as models:
        assert models.deployed("forecast", "cancellation") == before
        assert models.load(version, code=CODE) == b"model 1"
    assert read_actions(again) == read_actions(root)
