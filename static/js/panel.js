// The source panel beside the answer, and the card that a chip shows on hover or focus.

const NARROW = matchMedia("(max-width: 899px)");
const app = document.querySelector("[data-app]");
const panel = document.querySelector("[data-panel]");
const body = document.getElementById("panel-body");
let opener = null;

function show(from) {
  opener = from;
  for (const other of document.querySelectorAll("[data-opens-panel][aria-current]")) other.removeAttribute("aria-current");
  from.setAttribute("aria-current", "true");
  panel.hidden = false;
  app.setAttribute("data-panel-is-open", "");
  keepOthersOut();
}

function keepOthersOut() {
  const covered = !panel.hidden && NARROW.matches;
  for (const other of app.children) {
    if (other !== panel) other.inert = covered;
  }
}

function close() {
  panel.hidden = true;
  app.removeAttribute("data-panel-is-open");
  keepOthersOut();
  opener?.removeAttribute("aria-current");
  const back = opener?.isConnected ? opener : document.querySelector("[data-question]");
  back?.focus({ preventScroll: true });
  opener = null;
}

function fill(template) {
  body.replaceChildren(document.getElementById(template).content.cloneNode(true));
}

function lookAtPassage() {
  body.scrollTop = 0;
  const place = body.querySelector("mark") ?? body.querySelector(".read");
  const top = place ? place.getBoundingClientRect().top - body.getBoundingClientRect().top : 0;
  if (top > body.clientHeight * 0.7) body.scrollTop = top - body.clientHeight / 3;
  (body.querySelector("[data-source-title]") ?? body).focus({ preventScroll: true });
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target !== body) return;
  hideCard();
  show(event.detail.elt);
  fill("panel-loading");
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target === body) lookAtPassage();
});
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, (event) => {
    if (event.detail.target === body) fill("panel-gone");
  });
}
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-panel-close]")) close();
  else if (!panel.hidden && NARROW.matches && event.target === app) close();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  if (!card.hidden) hideCard();
  else if (!panel.hidden) close();
});
NARROW.addEventListener("change", keepOthersOut);

// The card: the source's own line under the answer, copied beside the chip.

const card = document.createElement("div");
card.className = "hover-card";
card.id = "hover-card";
card.setAttribute("role", "tooltip");
card.hidden = true;
document.body.append(card);

function showCard(chip) {
  const item = document.getElementById(chip.dataset.card);
  if (!item || NARROW.matches) return;
  card.replaceChildren(item.querySelector(".source-text").cloneNode(true));
  card.hidden = false;
  const at = chip.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left - 24), innerWidth - card.offsetWidth - 8);
  const above = at.top - card.offsetHeight - 8;
  card.style.left = `${left}px`;
  card.style.top = `${above > 8 ? above : at.bottom + 8}px`;
  chip.setAttribute("aria-describedby", card.id);
}

function hideCard() {
  card.hidden = true;
}

for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  document.addEventListener(enter, (event) => {
    const chip = event.target.closest?.("[data-card]");
    if (chip) showCard(chip);
  });
  document.addEventListener(leave, (event) => {
    if (event.target.closest?.("[data-card]")) hideCard();
  });
}
document.getElementById("main").addEventListener("scroll", hideCard, { passive: true });
