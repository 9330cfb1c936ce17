// The small window: it opens when its content has come, and copies what a button names.

import { announce } from "./page.js";

const dialog = document.querySelector("[data-dialog]");
const body = document.getElementById("dialog-body");
const COPIED_MS = 2000;

function open() {
  if (!dialog.open) dialog.showModal();
  (body.querySelector("[data-first], input, a, button:not(:disabled)") ?? dialog).focus();
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copies);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy"); // over plain http the clipboard is closed to scripts
  }
  const words = button.querySelector("[data-words]");
  const before = words.textContent;
  words.textContent = button.dataset.copied;
  announce(button.dataset.copied);
  setTimeout(() => {
    words.textContent = before;
  }, COPIED_MS);
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (dialog && event.detail.target === body) open();
});
document.addEventListener("click", (event) => {
  const copier = event.target.closest("[data-copies]");
  if (copier) copy(copier);
  if (event.target.closest("[data-dialog-close]") || event.target === dialog) dialog?.close();
});
document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-select-all]")) event.target.select();
});
