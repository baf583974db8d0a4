// What scripts add to pages that read well without them: keys, the live seal, brushing, copying, and the drawer.
// Nothing here makes markup of text: what comes from the server is HTML of ours, what a person wrote is set as text.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// The seal: the server tells of each change; without scripts it is as old as the page, which says so itself.
customElements.define("ot-seal", class extends HTMLElement {
  connectedCallback() {
    if (!this.dataset.source || !window.EventSource) return;
    // Only while somebody looks: a browser has six connections to a house, and each open page would keep one.
    this.turned = () => (document.hidden ? this.close() : this.open());
    document.addEventListener("visibilitychange", this.turned);
    this.turned();
  }
  open() {
    if (this.source) return;
    this.source = new EventSource(this.dataset.source);
    this.source.onmessage = (event) => {
      const made = new DOMParser().parseFromString(JSON.parse(event.data).html, "text/html").body.firstElementChild;
      const chip = this.firstElementChild;
      if (made && chip && made.textContent !== chip.textContent) this.replaceChildren(made);
    };
  }
  close() {
    this.source?.close();
    this.source = null;
  }
  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.turned);
    this.close();
  }
});

// A histogram on which a stretch of time can be drawn: the interval goes into the address.
customElements.define("ot-brush", class extends HTMLElement {
  connectedCallback() {
    const svg = $("svg", this);
    if (!svg || !this.dataset.href) return;
    let from = null;
    let mark = null;
    const at = (event) => {
      const box = svg.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    svg.addEventListener("pointerdown", (event) => { from = at(event); });
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    svg.addEventListener("pointermove", (event) => {
      if (from === null || Math.abs(at(event) - from) < 0.01) return;
      if (!mark) {
        mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        mark.setAttribute("class", "picked");
        mark.setAttribute("y", "0");
        mark.setAttribute("height", "100");
        svg.append(mark);
        svg.setPointerCapture(event.pointerId);
      }
      mark.setAttribute("x", String(Math.min(from, at(event)) * 1000));
      mark.setAttribute("width", String(Math.abs(at(event) - from) * 1000));
    });
    svg.addEventListener("pointerup", (event) => {
      const to = at(event);
      if (mark && from !== null) {
        const start = Date.parse(this.dataset.start);
        const wide = Date.parse(this.dataset.end) - start;
        const told = [Math.min(from, to), Math.max(from, to)].map((part) => new Date(start + part * wide).toISOString());
        location.assign(this.dataset.href.replace("WHEN", encodeURIComponent(`when:${told[0]}..<${told[1]}`)));
      }
      from = null;
      mark = null;
    });
    svg.addEventListener("click", (event) => { if ($(".picked", svg)) event.preventDefault(); }, true);
  }
});

// Forms that go by themselves when something in them is chosen.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form) form.requestSubmit();
});
for (const button of $$("form[data-auto] button")) button.hidden = true;

// What only scripts can do is shown only where there are any.
const enhance = (root) => {
  for (const button of $$("[data-copy], [data-technical], [data-check]", root)) button.hidden = false;
};
enhance(document);
document.addEventListener("htmx:after:swap", () => {
  enhance(document);
  const drawer = $("#drawer");
  if (drawer && !drawer.contains(document.activeElement)) $(".close", drawer)?.focus();
});

document.addEventListener("click", async (event) => {
  const copying = event.target.closest("[data-copy]");
  if (copying) {
    await navigator.clipboard?.writeText(copying.dataset.copy);
    copying.lastChild.textContent = " Copied";
    copying.setAttribute("aria-live", "polite");
  }
  const technical = event.target.closest("[data-technical]");
  if (technical) {
    const shown = technical.getAttribute("aria-pressed") !== "true";
    technical.setAttribute("aria-pressed", String(shown));
    for (const one of $$(".technical", technical.closest("article, main"))) one.hidden = !shown;
  }
  const printing = event.target.closest("[data-print]");
  if (printing) window.print();
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// Keys: off where the reader switched them off (WCAG 2.1.4), where a field has the focus, and with any modifier.
const keysOff = () => localStorage.getItem("keys") === "off";
let going = 0;

const rows = () => $$("[data-row]");
const step = (by) => {
  const all = rows();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement.closest("[data-row]"));
  const next = all[Math.min(all.length - 1, Math.max(0, here < 0 ? (by > 0 ? 0 : all.length - 1) : here + by))];
  ($("[data-peek]", next) ?? next).focus();
  next.scrollIntoView({ block: "nearest" });
};

const keys = {
  "/": () => $("#filter, #find")?.focus(),
  "?": () => $("#keys-dialog")?.showModal() ?? location.assign("/help#keys"),
  j: () => step(1),
  k: () => step(-1),
  n: () => $("a[rel=next]")?.click(),
  p: () => $("a[rel=prev]")?.click(),
  v: () => $("[data-prove]")?.click(),
  b: () => (document.activeElement.closest("[data-row]") ?? document)?.querySelector("[data-basket]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const close = $("#drawer .close");
    if (close) { close.click(); return; }
    document.activeElement?.blur?.();
    return;
  }
  if (keysOff() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  if (Date.now() - going < 1500) {
    going = 0;
    const place = $(`.rail a[data-key="${CSS.escape(event.key)}"]`);
    if (place) { event.preventDefault(); place.click(); }
    return;
  }
  if (event.key === "g") { going = Date.now(); return; }
  const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
  if (act) { event.preventDefault(); act(); }
});

const toggle = $("#keys-switch");
if (toggle) {
  toggle.checked = !keysOff();
  toggle.closest("[hidden]")?.removeAttribute("hidden");
  toggle.addEventListener("change", () => localStorage.setItem("keys", toggle.checked ? "on" : "off"));
}

// A slider over moments: what stands beside it says the time while it moves.
for (const slider of $$("input[data-moments]")) {
  const told = JSON.parse(slider.dataset.moments);
  const label = document.getElementById(slider.getAttribute("aria-describedby"));
  slider.addEventListener("input", () => {
    if (label) label.textContent = told[Number(slider.value)] ?? "";
    slider.setAttribute("aria-valuetext", told[Number(slider.value)] ?? "");
  });
}

// How long ago: told anew as time goes by, never read out by itself.
const ages = [[31536000, "y"], [2592000, "mo"], [86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
setInterval(() => {
  for (const one of $$("[data-ago]")) {
    const seconds = Math.floor((Date.now() - Date.parse(one.dataset.ago)) / 1000);
    const found = ages.find(([size]) => seconds >= size);
    one.textContent = found ? `${Math.floor(seconds / found[0])} ${found[1]} ago` : "now";
  }
}, 10_000);

// The drawer closes without loading the page again, and gives the focus back to the row that opened it.
document.addEventListener("click", (event) => {
  const close = event.target.closest("#drawer .close");
  if (!close || event.ctrlKey || event.metaKey) return;
  const opened = close.dataset.event;
  event.preventDefault();
  history.replaceState(null, "", close.href);
  $("#drawer").replaceChildren();
  $("#drawer").hidden = true;
  for (const row of $$("tr.open")) row.classList.remove("open");
  document.getElementById(`peek-${opened}`)?.focus();
});
document.addEventListener("htmx:after:swap", () => {
  const drawer = $("#drawer");
  if (!drawer) return;
  drawer.hidden = !drawer.firstElementChild;
  const open = $("[data-event]", drawer)?.dataset.event;
  for (const row of $$("tr[data-row]")) row.classList.toggle("open", row.id === `row-${open}`);
});
