"""``verify.html`` in a real Chromium without a network: it checks every step, and refuses what is altered."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from evidence.altering import consistently, flipped, with_member
from evidence.richly import HOSTILE, Rich
from evidence.test_bundle import REWRITTEN
from ordertrail.evidence import layout
from ordertrail.evidence.archive import parse_archive
from ordertrail.evidence.verifier import page as verifier

CORE = Path(verifier.__file__).with_name("verify.js")
VECTORS = (
    # RFC 8032 section 7.1, tests 1 to 3: public key, message, signature.
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)
CHECK_MANY = """
async ({core, bundles, keys}) => {
  const {checkBundle} = await import(core);
  const found = [];
  for (const bundle of bundles) {
    const bytes = Uint8Array.from(atob(bundle), (one) => one.charCodeAt(0));
    try { await checkBundle(bytes, keys); found.push(0); } catch (error) { found.push(error.step ?? String(error)); }
  }
  return found;
}
"""
CHECK_FLIPPED = """
async ({core, bundle, keys, flips}) => {
  const {checkBundle, readArchive, writeArchive, fromBase64} = await import(core);
  const whole = fromBase64(bundle), found = [];
  for (const [name, at, withPage] of flips) {
    let bytes = whole.slice();
    if (name) {
      const members = readArchive(bytes);
      if (!withPage) members.delete("verify.html");
      const changed = members.get(name).slice();
      changed[at] ^= 1;
      members.set(name, changed);
      bytes = writeArchive(members);
    } else {
      bytes[at] ^= 1;
    }
    try { await checkBundle(bytes, keys); found.push(0); } catch (error) { found.push(error.step ?? String(error)); }
  }
  return found;
}
"""
FALLBACKS = """
async ({core, vectors, texts}) => {
  const {shaPlain, verifyEd25519Plain} = await import(core);
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const signatures = vectors.map(([key, message, signature]) => {
    const good = bytes(signature), bad = bytes(signature), m = bytes(message);
    bad[7] ^= 1;
    return [verifyEd25519Plain(bytes(key), good, m), verifyEd25519Plain(bytes(key), bad, m)];
  });
  const hashes = [];
  for (const [bits, name] of [[32n, "SHA-256"], [64n, "SHA-512"]]) {
    for (const length of texts) {
      const data = new Uint8Array(length).fill(length);
      hashes.push(hex(shaPlain(data, bits)) === hex(new Uint8Array(await crypto.subtle.digest(name, data))));
    }
  }
  return {signatures, hashes};
}
"""


def data_url(text: str) -> str:
    """Return a module as an address that needs no network."""
    return f"data:text/javascript;base64,{b64encode(text.encode()).decode()}"


@pytest.fixture(scope="module")
def bench(chromium: BrowserContext, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An empty page of a file, in which the core can be imported."""
    empty = tmp_path_factory.mktemp("page") / "empty.html"
    empty.write_text("<!doctype html><title>x</title>")
    page = chromium.new_page()
    page.goto(empty.as_uri())
    return page


def steps_of(bench: Any, bundles: list[bytes], rich: Rich) -> list[int]:
    """Return the step at which the core refuses each bundle; 0 where it holds."""
    encoded = [b64encode(bundle).decode() for bundle in bundles]
    keys = list(rich.vkeys)
    found: list[int] = bench.evaluate(
        CHECK_MANY, {"core": data_url(CORE.read_text()), "bundles": encoded, "keys": keys}
    )
    return found


def steps_of_flips(bench: Any, flips: list[tuple[str, int, bool]], rich: Rich) -> list[int]:
    """Return the step at which the core refuses each changed bit: of a member, or of the archive itself."""
    bundle = b64encode(rich.bundle.data).decode()
    found: list[int] = bench.evaluate(
        CHECK_FLIPPED,
        {"core": data_url(CORE.read_text()), "bundle": bundle, "keys": list(rich.vkeys), "flips": flips},
    )
    return found


def opened(chromium: BrowserContext, rich: Rich, folder: Path) -> Any:
    """Open the page of a bundle as somebody would who unpacked it; fail for every error that the browser tells."""
    (folder / "verify.html").write_bytes(parse_archive(rich.bundle.data)[layout.PAGE])
    (folder / "bundle.zip").write_bytes(rich.bundle.data)
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.on(
        "request", lambda request: None if request.url.startswith("file:") else errors.append(request.url)
    )
    page.goto((folder / "verify.html").as_uri())
    page.wait_for_selector("html[data-checked=yes]", state="attached")
    assert errors == []
    return page


class TestPage:
    """The page that a recipient opens."""

    def test_it_checks_itself_and_shows_the_events(
        self, chromium: BrowserContext, rich: Rich, tmp_path: Path
    ) -> None:
        """All six steps, the orders, what was disclosed and what was not; nothing asked of anybody."""
        page = opened(chromium, rich, tmp_path)
        told = page.inner_text("#steps")
        for number, name in enumerate(
            ("content", "inclusion", "signature", "continuity", "time", "custody"), 1
        ):
            assert f"✓ {number} {name}" in told
        assert "honest saw the first 10 entries" in told
        assert "w1 saw the first 11 entries" in told
        events = page.inner_text("#events")
        assert "Order SO-1 of main: complete" in events
        assert "李小龍 بن سلمان (disclosed)" in events
        assert "(sealed personal data)" in events
        assert "120.00 EUR" in events
        assert "ML-DSA-44" in page.inner_text("#notes")
        assert "agrees with itself" in page.inner_text("#verdict")
        page.close()

    def test_what_is_hostile_is_shown_as_text(
        self, chromium: BrowserContext, rich: Rich, tmp_path: Path
    ) -> None:
        """An event that holds markup is read, not run."""
        page = opened(chromium, rich, tmp_path)
        assert "<img src=x onerror=alert(1)>" in page.inner_text("#events")
        assert "[U+202E]" in page.inner_text("#events")
        assert page.evaluate("document.images.length") == 0
        assert HOSTILE.startswith("</script>")
        page.close()

    def test_with_the_right_key_it_is_proven_and_with_another_it_is_not(
        self, chromium: BrowserContext, rich: Rich, tmp_path: Path
    ) -> None:
        """Whose it is, the reader decides."""
        page = opened(chromium, rich, tmp_path)
        other = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
        for key, kind in ((rich.vkeys[0], "good"), (other, "broken"), (rich.vkeys[-1], "good")):
            page.fill("#trusted", key)
            page.click("#again")
            page.wait_for_selector(f"#verdict.{kind}")
        page.close()

    def test_a_whole_bundle_can_be_given_to_it(
        self, chromium: BrowserContext, rich: Rich, tmp_path: Path
    ) -> None:
        """Then the page too is held against the manifest; an altered one is refused in words."""
        page = opened(chromium, rich, tmp_path)
        page.set_input_files("#file", str(tmp_path / "bundle.zip"))
        members = len(parse_archive(rich.bundle.data))
        page.locator("#steps", has_text=f"{members} members").wait_for()
        (tmp_path / "bad.zip").write_bytes(
            with_member(rich.bundle.data, layout.REPORT, lambda data: flipped(data, 9))
        )
        page.set_input_files("#file", str(tmp_path / "bad.zip"))
        page.wait_for_selector("#verdict.broken")
        assert "step 1 content: report.pdf was altered" in page.inner_text("#verdict")
        assert page.inner_text("#events") == ""
        page.close()

    def test_events_are_found_by_words(self, chromium: BrowserContext, rich: Rich, tmp_path: Path) -> None:
        """As many as hold all of them."""
        page = opened(chromium, rich, tmp_path)
        page.fill("#find", "order.price.change so-1")
        page.locator("#shown", has_text="1 of ").wait_for()
        page.close()


class TestCore:
    """The core, over altered bundles, in the browser's own WebCrypto."""

    def test_it_holds(self, bench: Any, rich: Rich) -> None:
        """Under any key of the log."""
        assert steps_of(bench, [rich.bundle.data], rich) == [0]

    def test_a_flipped_bit_in_every_member(self, bench: Any, rich: Rich) -> None:
        """Refused, with a step."""
        members = parse_archive(rich.bundle.data)
        flips = [
            (name, at, True)
            for name, data in members.items()
            for at in sorted({0, len(data) // 2, len(data) - 1})
        ]
        assert set(steps_of_flips(bench, flips, rich)) <= set(range(1, 7))

    def test_a_flipped_bit_in_the_seal(self, bench: Any, rich: Rich) -> None:
        """In the page's own archive, where nothing else tells: proof and signature find it."""
        members = parse_archive(rich.bundle.data)
        flips = [
            (name, at, False)
            for name in (layout.MANIFEST, layout.SEAL, layout.SEAL_PROOF, layout.SEAL_CONSISTENCY)
            for at in range(0, len(members[name]), max(1, len(members[name]) // 25))
        ]
        assert set(steps_of_flips(bench, flips, rich)) <= set(range(1, 7))

    def test_what_is_rewritten_is_found_at_the_same_step(self, bench: Any, rich: Rich) -> None:
        """As by the other two verifiers."""
        altered = [consistently(rich.bundle.data, change) for change, _ in REWRITTEN]
        assert steps_of(bench, altered, rich) == [step.number for _, step in REWRITTEN]

    def test_headers_and_directory(self, bench: Any, rich: Rich) -> None:
        """Every byte of the archive's own."""
        data = rich.bundle.data
        places = (*range(0, 40, 3), *range(len(data) - 22, len(data), 2))
        assert set(steps_of_flips(bench, [("", at, True) for at in places], rich)) == {1}

    def test_where_a_browser_has_no_such_functions_ours_are_right(self, bench: Any) -> None:
        """Ed25519 by the vectors of RFC 8032, SHA-2 against WebCrypto's at every length about a block."""
        found = bench.evaluate(
            FALLBACKS,
            {
                "core": data_url(CORE.read_text()),
                "vectors": VECTORS,
                "texts": [0, 1, 55, 56, 63, 64, 111, 112, 127, 128, 300],
            },
        )
        assert found["signatures"] == [[True, False]] * 3
        assert all(found["hashes"])


def test_the_frame_is_the_same_for_every_bundle(rich: Rich) -> None:
    """It holds no data, has one slot, and lets nothing run but its own script, nor anything be fetched."""
    frame, carried = verifier.split_page(parse_archive(rich.bundle.data)[layout.PAGE])
    assert frame == verifier.frame()
    assert carried
    text = frame.decode()
    assert "default-src 'none'" in text
    assert "{{" not in text.replace("{{{", "")
    assert "http://" not in text
    assert "https://" not in text
