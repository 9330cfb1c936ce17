// Whoever signs out in one tab leaves nothing drawn in the others: they load anew, and come to the sign-in page.

const door = new BroadcastChannel("mundap-door"); // reaches pages of this origin alone

if (document.querySelector("[data-signed-out]")) {
  door.postMessage("signed out");
} else if (document.querySelector("[data-app]")) {
  door.addEventListener("message", () => location.reload());
}
