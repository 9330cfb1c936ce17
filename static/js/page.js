// What every page does: theme, rail drawer, menus, finding a conversation, and saying so when a request fails.

const root = document.documentElement;

export function announce(text) {
  document.getElementById("live").textContent = text;
}

export function notify(reason) {
  const notice = document.getElementById("notice");
  notice.textContent = notice.dataset[reason];
  notice.hidden = false;
  clearTimeout(notify.timer);
  notify.timer = setTimeout(() => {
    notice.hidden = true;
  }, 8000);
}

// As `assistant/accounts/cookies.py` names it.
const secure = location.protocol === "https:";
const themeCookie = `${secure ? "__Host-" : ""}mundap_theme`;
const themeRules = `path=/; samesite=lax${secure ? "; secure" : ""}`;

function chooseTheme(choice) {
  if (choice) {
    root.dataset.theme = choice;
    document.cookie = `${themeCookie}=${choice}; max-age=31536000; ${themeRules}`;
  } else {
    delete root.dataset.theme;
    document.cookie = `${themeCookie}=; max-age=0; ${themeRules}`;
  }
  showTheme();
}

function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    const chosen = button.dataset.themeChoice === (root.dataset.theme ?? "");
    button.setAttribute("aria-pressed", String(chosen));
  }
}

function moveRail(open) {
  const app = document.querySelector("[data-app]");
  if (!app) return;
  const opener = document.querySelector("[data-rail-open]");
  app.toggleAttribute("data-rail-is-open", open);
  document.getElementById("main").inert = open;
  opener.setAttribute("aria-expanded", String(open));
  (open ? document.querySelector("[data-rail-close]") : opener).focus();
}

function railIsOpen() {
  return document.querySelector("[data-app]")?.hasAttribute("data-rail-is-open") ?? false;
}

function findConversation(words) {
  const wanted = words.trim().toLocaleLowerCase();
  let found = 0;
  for (const day of document.querySelectorAll("[data-day]")) {
    let here = 0;
    for (const item of day.querySelectorAll("[data-conversation]")) {
      const fits = item.querySelector("a").textContent.toLocaleLowerCase().includes(wanted);
      item.hidden = !fits;
      here += fits;
    }
    day.hidden = here === 0;
    found += here;
  }
  document.querySelector("[data-none-found]").hidden = found > 0;
}

document.addEventListener("click", (event) => {
  const theme = event.target.closest("[data-theme-choice]");
  if (theme) chooseTheme(theme.dataset.themeChoice);
  if (event.target.closest("[data-rail-open]")) {
    event.preventDefault();
    moveRail(true);
  } else if (railIsOpen() && (event.target.closest("[data-rail-close]") || !event.target.closest("[data-rail]"))) {
    event.preventDefault();
    moveRail(false);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && railIsOpen()) moveRail(false);
});
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-find-conversation]")) findConversation(event.target.value);
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = menu.contains(event.target);
});
document.addEventListener("htmx:sendError", () => notify("unreachable"));
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.target?.id !== "panel-body") notify(event.detail.xhr.status === 404 ? "gone" : "failed");
});
showTheme();
