// Follows open turns. The server stores every event, so a reload, a second tab and a lost line go on where
// they were. Text from events only ever becomes text nodes. The finished turn is drawn by the server.

import { announce } from "./page.js";

const MS_PER_CHARACTER = 12;
const LONGEST_PAUSE_MS = 900;
const NEAR_THE_END_PX = 120;
const EMPTY_RECONNECTS = 3;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const scroller = document.getElementById("main");

function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

function atTheEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_THE_END_PX;
}

function labelled(id, text) {
  const element = fromTemplate(id);
  element.textContent = text;
  return element;
}

function drawShort(text, [start, end], words, sentence) {
  const short = [...text].slice(start, end).join("");
  words.append([...text].slice(0, start).join(""), labelled("short-template", short), [...text].slice(end).join(""));
  sentence.prepend(labelled("short-lead-template", short));
}

function drawSentence({ text, citations, general, calculated, short }, isDraft) {
  const sentence = fromTemplate("sentence-template");
  const words = sentence.querySelector("[data-text]");
  const cells = text.split("\t").map((cell) => cell.trim()).filter(Boolean);
  if (cells.length > 1) {
    sentence.classList.add("row");
    for (const cell of cells) {
      const part = document.createElement("span");
      part.className = "cell";
      part.textContent = cell;
      words.append(part);
    }
  } else if (short) {
    drawShort(text, short, words, sentence);
  } else {
    words.textContent = text;
  }
  if (calculated) words.after(fromTemplate(calculated === "cell" ? "cell-template" : "calculated-template"));
  const chips = sentence.querySelector("[data-cites]");
  for (const n of citations) {
    const chip = fromTemplate("chip-template");
    chip.textContent = String(n);
    chips.append(chip);
  }
  if (isDraft) {
    sentence.classList.add("line");
  } else if (general) {
    sentence.classList.add("general");
    chips.replaceWith(fromTemplate("general-template"));
  } else if (citations.length === 0) {
    sentence.classList.add("unsupported");
    chips.replaceWith(fromTemplate("unsupported-template"));
  }
  return sentence;
}

class OpenTurn {
  constructor(turn) {
    this.turn = turn;
    this.answer = turn.querySelector("[data-answer]");
    this.waiting = [];
    this.part = this.lastPart();
    this.ended = false;
    this.busy = false;
    this.emptyReconnects = 0;
    this.source = new EventSource(turn.dataset.stream);
    this.source.addEventListener("open", () => this.opened());
    this.source.addEventListener("error", () => this.lost());
    this.on("status", (data) => this.step(data));
    this.on("searched", (data) => this.searched(data));
    this.on("section", (data) => this.take(data));
    this.on("token", (data) => this.take(data));
    // A "note" on the sources comes last and is drawn with the finished turn.
    this.on("done", () => this.end());
    this.on("failed", () => this.end());
    this.on("blocked", () => this.cut());
    this.on("withheld", () => this.cut());
    addEventListener("pagehide", () => this.source.close(), { once: true });
  }

  // Where a reload goes on: the part that the server drew last.
  lastPart() {
    return [...this.answer.querySelectorAll(".part-text")].at(-1) ?? null;
  }

  on(kind, handle) {
    this.source.addEventListener(kind, (event) => {
      this.emptyReconnects = 0;
      handle(JSON.parse(event.data));
    });
  }

  opened() {
    this.turn.querySelector("[data-reconnecting]").hidden = true;
  }

  lost() {
    if (this.ended) return;
    this.emptyReconnects += 1;
    if (this.source.readyState === EventSource.CLOSED || this.emptyReconnects > EMPTY_RECONNECTS) {
      this.end();
      return;
    }
    const line = this.turn.querySelector("[data-reconnecting]");
    line.hidden = false;
    announce(line.dataset.say);
  }

  step({ step, documents }) {
    const steps = [...this.turn.querySelectorAll("[data-step]")];
    const now = steps.findIndex((item) => item.dataset.step === step);
    if (now < 0) return;
    steps.forEach((item, index) => {
      item.dataset.state = index < now ? "done" : index === now ? "now" : "next";
    });
    const current = steps[now];
    const words = current.querySelector("[data-words]");
    if (documents > 0 && current.dataset.sayMany) {
      const shown = new Intl.NumberFormat(document.documentElement.lang).format(documents);
      words.textContent = documents === 1 ? current.dataset.sayOne : current.dataset.sayMany.replace("{n}", shown);
    }
    announce(words.textContent);
  }

  searched({ question }) {
    const line = this.turn.querySelector("[data-searched]");
    line.querySelector("[data-words]").textContent = question;
    line.hidden = false;
  }

  take(token) {
    this.waiting.push(token);
    if (!this.busy) this.reveal();
  }

  reveal() {
    const token = this.waiting.shift();
    if (!token) {
      this.busy = false;
      if (this.ended) this.finish();
      return;
    }
    this.busy = true;
    const following = atTheEnd();
    const characters = token.layout ? this.begin(token) : this.write(token);
    if (following) scroller.scrollTo({ top: scroller.scrollHeight });
    const pause = calm.matches ? 0 : Math.min(characters * MS_PER_CHARACTER, LONGEST_PAUSE_MS);
    setTimeout(() => this.reveal(), pause);
  }

  write(token) {
    if (!this.part) this.begin({ title: "", layout: "part" });
    this.part.append(drawSentence(token, "draft" in this.answer.dataset), " ");
    return token.text.length;
  }

  begin({ title, layout }) {
    const row = this.answer.lastElementChild;
    const parts = layout === "side" && row?.dataset.layout === "side" ? row : fromTemplate("parts-template");
    parts.dataset.layout = layout;
    const part = fromTemplate("part-template");
    const heading = part.querySelector("[data-title]");
    if (title) heading.textContent = title;
    else heading.remove();
    parts.append(part);
    if (parts !== row) this.answer.append(parts);
    this.part = part.querySelector("[data-part]");
    return title.length;
  }

  end() {
    if (this.ended) return;
    this.ended = true;
    this.source.close();
    if (!this.busy) this.finish();
  }

  cut() {
    this.waiting = [];
    this.end();
  }

  async finish() {
    const id = this.turn.id;
    const following = atTheEnd();
    const focused = this.turn.contains(document.activeElement);
    await htmx.ajax("GET", this.turn.dataset.finished, { source: this.turn, target: this.turn, swap: "outerHTML" });
    const drawn = document.getElementById(id);
    announce(drawn?.querySelector(".outcome-title, .answer")?.textContent.trim() ?? "");
    if (following) scroller.scrollTo({ top: scroller.scrollHeight });
    if (focused) document.querySelector("[data-question]").focus();
  }
}

function follow(within) {
  const open = [...within.querySelectorAll("[data-stream]")];
  if (within.matches?.("[data-stream]")) open.push(within);
  for (const turn of open) {
    if (turn.dataset.followed) continue;
    turn.dataset.followed = "yes";
    new OpenTurn(turn);
  }
}

document.addEventListener("htmx:load", (event) => follow(event.detail.elt));
follow(document.body);
