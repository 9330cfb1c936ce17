// The question box: it grows with its text, Enter sends, Shift+Enter breaks the line,
// and the Enter that ends a Korean composition never sends.

const form = document.querySelector("[data-composer]");
const box = form.querySelector("[data-question]");

function grow() {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function composing(event) {
  // Safari ends the composition before it reports Enter; key code 229 still tells.
  return event.isComposing || event.keyCode === 229;
}

box.addEventListener("input", grow);
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
  event.preventDefault();
  if (box.value.trim()) form.requestSubmit();
});

// Requests of the files within the form report to the form, too: only the question's own count here.
function isQuestion(event) {
  return event.target === form && event.detail.requestConfig.path === form.getAttribute("hx-post");
}

form.addEventListener("htmx:beforeRequest", (event) => {
  if (!isQuestion(event)) return;
  document.getElementById("composer-error").replaceChildren();
});
form.addEventListener("htmx:afterRequest", (event) => {
  if (!isQuestion(event) || event.detail.xhr.status >= 400) return;
  box.value = "";
  box.placeholder = box.dataset.nextPlaceholder;
  grow();
  document.querySelector("[data-welcome]")?.remove();
  const main = document.getElementById("main");
  main.scrollTo({ top: main.scrollHeight });
  box.focus();
});

document.addEventListener("click", (event) => {
  const example = event.target.closest("[data-example]");
  if (!example || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  box.value = example.querySelector("span").textContent;
  grow();
  form.requestSubmit();
});

grow();
box.setSelectionRange(box.value.length, box.value.length);
const main = document.getElementById("main");
if (document.querySelector("[data-turn]")) main.scrollTo({ top: main.scrollHeight });
