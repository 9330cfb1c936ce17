// Files of the conversation: chosen or dropped, they are sent at once; the server draws what becomes of them.
// A question that is sent while files are on their way waits for them, so that both reach one conversation.

import { announce } from "./page.js";

const form = document.querySelector("[data-files-form]");
const composer = document.querySelector("[data-composer]");
const target = document.querySelector("[data-drop-target]");
let sending = false;
let waiting = false;

function send(chosen) {
  const input = document.querySelector("[data-file-input]");
  if (input.disabled || sending) return;
  if (chosen) input.files = chosen;
  if (!input.files.length) return;
  form.querySelector("[data-files-conversation]").value = document.getElementById("composer-conversation").value;
  form.requestSubmit();
}

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function said() {
  return new Map(
    [...document.querySelectorAll("[data-file-state]")].map((facts) => [
      facts.dataset.fileState,
      `${facts.previousElementSibling.textContent} ${facts.textContent}`.replace(/\s+/g, " ").trim(),
    ]),
  );
}

let before = said();

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-file-input]")) send();
});
form.addEventListener("htmx:beforeRequest", () => {
  sending = true;
  target.toggleAttribute("data-adding", true);
  announce(form.dataset.adding);
});
form.addEventListener("htmx:afterRequest", () => {
  sending = false;
  target.toggleAttribute("data-adding", false);
  if (waiting) setTimeout(() => composer.requestSubmit());
  waiting = false;
});
document.addEventListener("htmx:afterSwap", () => {
  const now = said();
  const news = [...now].filter(([state]) => !before.has(state)).map(([, words]) => words);
  before = now;
  if (news.length) announce(news.join(". "));
});
document.addEventListener(
  "submit",
  (event) => {
    if (event.target !== composer || !sending) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = true;
  },
  { capture: true },
);

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  target.toggleAttribute("data-dropping", true);
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) target.toggleAttribute("data-dropping", false);
});
document.addEventListener("drop", (event) => {
  target.toggleAttribute("data-dropping", false);
  if (!carriesFiles(event)) return;
  event.preventDefault();
  send(event.dataTransfer.files);
});
