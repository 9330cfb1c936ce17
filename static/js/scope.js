// The scope of the next question: its words follow what is chosen; Escape, "Done" and a click elsewhere close it.

const control = document.querySelector("[data-scope]");
const words = control.querySelector("[data-scope-words]");
const summary = control.querySelector("summary");

function dayWords(value) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeZone: "UTC" });
  return format.format(new Date(`${value}T00:00:00Z`));
}

// As the server says it over the answer.
function span(first, last) {
  const say = control.dataset;
  const [begins, ends] = [first.endsWith("-01-01"), last.endsWith("-12-31")];
  const [firstYear, lastYear] = [first.slice(0, -6), last.slice(0, -6)];
  if (first && last) {
    if (begins && ends && firstYear === lastYear) return say.inYear.replace("{year}", firstYear);
    return say.between.replace("{first}", dayWords(first)).replace("{last}", dayWords(last));
  }
  if (first) return begins ? say.sinceYear.replace("{year}", firstYear) : say.since.replace("{day}", dayWords(first));
  if (!last) return "";
  return ends ? say.untilYear.replace("{year}", lastYear) : say.until.replace("{day}", dayWords(last));
}

function tell() {
  const chosen = [...control.querySelectorAll("[name=scope_source]:checked")].map((box) => box.value);
  const [first, last] = ["scope_first", "scope_last"].map((name) => control.querySelector(`[name=${name}]`).value);
  const parts = [...chosen, span(first, last)].filter(Boolean);
  words.textContent = parts.join(", ") || control.dataset.everything;
  control.toggleAttribute("data-narrowed", parts.length > 0);
}

function close({ focus }) {
  if (!control.open) return;
  control.open = false;
  if (focus) summary.focus();
}

control.addEventListener("change", tell);
control.addEventListener("click", (event) => {
  if (event.target.closest("[data-scope-close]")) close({ focus: true });
  if (!event.target.closest("[data-scope-clear]")) return;
  for (const field of control.querySelectorAll("input")) {
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
  tell();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && control.open) close({ focus: control.contains(document.activeElement) });
});
document.addEventListener("click", (event) => {
  if (!control.contains(event.target)) close({ focus: false });
});
control.closest("form").addEventListener("htmx:beforeRequest", () => close({ focus: false }));
